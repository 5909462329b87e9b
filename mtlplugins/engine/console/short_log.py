"""Filter that keeps a logger's console short; its file still gets everything."""

from __future__ import annotations

import inspect
import logging

from mmengine.config import Config

from mtlplugins.common.notice import Notice

_PACKAGES = ("mmengine", "mmcv", "mmseg", "mmpretrain", "mmdet", "mtlplugins")


def shorten_console(logger: logging.Logger) -> None:
    """Let warnings, errors, notices and messages of the user's own code through to the console.

    What the mm packages and this one log at lower levels, but for a :class:`Notice`, is for files.

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
    if record.levelno >= logging.WARNING or isinstance(record.msg, Notice):
        return True
    return _emitting_package() not in _PACKAGES


def _emitting_package() -> str:
    """Return the package of the code that logs; print_log is looked through."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_back is not None:
        frame = frame.f_back
        module = frame.f_globals.get("__name__", "")
        if module != __name__ and not module.startswith(("logging", "mmengine.logging")):
            return module.partition(".")[0]
    return ""


class _ShortFormatter(logging.Formatter):
    """The message alone, after its level if that is a warning or an error."""

    def __init__(self, clears_line: bool) -> None:
        super().__init__("%(message)s")
        self._start = "\r\x1b[K" if clears_line else ""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno < logging.WARNING else f"{record.levelname}: "
        return f"{self._start}{level}{super().format(record)}"
