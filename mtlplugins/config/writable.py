"""Check that a config can be saved as Python text."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mtlplugins.common.private import config_dict


def check_writable(cfg: Config) -> None:
    """Check that a config can be written as Python, as a Runner does at its start.

    Raises:
        ValueError: A value is an object without a literal, such as a path or a class, or a
            top-level key is not an identifier.
    """
    for key in config_dict(cfg):
        if not isinstance(key, str) or not key.isidentifier() or keyword.iskeyword(key):
            raise ValueError(
                f"the config's key {key!r} is no name of Python, so it cannot be saved: rename it"
            )
    for key, value in _values(cfg.to_dict()):
        if not _is_code(value):
            raise ValueError(
                f"{key}={value!r} is a {type(value).__name__}, with which a run cannot save its "
                "config: give text, a number, a list or a dict"
            )


def _is_code(value: Any) -> bool:
    if value is None or isinstance(value, (str, bool, int, float)):
        return True
    try:
        compile(str(value), "config", "eval")
    except SyntaxError:
        return False
    return True


def _values(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(node, (dict, list, tuple)):
        yield path, node
        return
    for name, child in node.items() if isinstance(node, dict) else enumerate(node):
        yield from _values(child, f"{path}.{name}" if path else str(name))
