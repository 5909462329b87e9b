"""Clear errors for wrong ``--cfg-options``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from mmengine.config import DictAction

from ._replace import replace_once


def explain_wrong_options() -> None:
    """Name the word after ``--cfg-options`` that is not KEY=VALUE.

    Breaks: such a word stops a tool with "not enough values to unpack (expected 2, got 1)", and an
    open bracket in a value with an AssertionError.
    Since: every MMEngine up to 0.10.7.
    Ends: when its ``DictAction`` raises errors of argparse.
    """
    replace_once(DictAction, "__call__", _named)


def _named(act: Callable[..., None]) -> Callable[..., None]:
    def __call__(
        self: DictAction,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: list[str] | None,
        option_string: str | None = None,
    ) -> None:
        for word in values or ():
            try:
                act(self, parser, namespace, [word], option_string)
            except (AssertionError, ValueError) as error:
                raise argparse.ArgumentError(
                    self, f"{word!r} is not KEY=VALUE, such as train_cfg.max_epochs=2"
                ) from error

    return __call__
