"""Log messages that also appear on the short console."""

from __future__ import annotations


class Notice(str):
    """A message for ``print_log`` or a logger's ``info`` that a person who trains wants to read.

    The short console of ``MultiTaskRunner`` shows notices and warnings; the log file holds
    everything.
    """
