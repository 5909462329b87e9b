"""Filter that keeps a logger's console short; its file still gets everything."""

from __future__ import annotations

import logging

from mmengine.config import Config

from mtlplugins.common.notice import Notice


def shorten_console(logger: logging.Logger) -> None:
    """Let only warnings, errors and :class:`Notice` through to the console.

    Args:
        logger: A logger whose handlers write to the console or to files.
    """
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not _writes_file(handler):
            handler.addFilter(_for_people)
            handler.setFormatter(_ShortFormatter(_clears_line(handler)))


def print_whole_log(cfg: Config) -> None:
    """Give a config's ``MultiTaskRunner`` MMEngine's console, in place."""
    cfg.default_hooks = {**(cfg.get("default_hooks") or {}), "console": None}


def _writes_file(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.FileHandler)


def _clears_line(handler: logging.StreamHandler) -> bool:
    """Return whether a progress bar may stand in the line that is written next."""
    isatty = getattr(handler.stream, "isatty", None)
    return bool(isatty and isatty())


def _for_people(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or isinstance(record.msg, Notice)


class _ShortFormatter(logging.Formatter):
    """The message alone, after its level if that is a warning or an error."""

    def __init__(self, clears_line: bool) -> None:
        super().__init__("%(message)s")
        self._start = "\r\x1b[K" if clears_line else ""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno < logging.WARNING else f"{record.levelname}: "
        return f"{self._start}{level}{super().format(record)}"
