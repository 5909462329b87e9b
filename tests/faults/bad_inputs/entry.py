"""One entry of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class BadInput(NamedTuple):
    """What a user does, and what the answer has to hold.

    Attributes:
        name: What is wrong, in a few words.
        command: A tool and its arguments as they are typed in a workshop's folder.
        words: Parts of the message: what names the file, key or task, and what says how to mend it.
        change: What is done to the workshop's files first.
    """

    name: str
    command: str
    words: tuple[str, ...]
    change: Callable[[Path], object] | None = None


def options(config: str, *values: str) -> str:
    """The command that trains a config with some of its values changed."""
    return f"train.py {config} --cfg-options {' '.join(values)}"
