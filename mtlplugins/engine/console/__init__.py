"""Console output of a run: a summary, progress, scores, notices and warnings."""

from .console_hook import ConsoleHook

__all__ = ["ConsoleHook"]
