"""Forget logged numbers that nobody asks for any more."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class RecentLogHook(Hook):
    """Keep the last numbers of what is logged, not a million of each.

    MMEngine's message hub copies the whole history of each loss at each iteration and saves all of
    them with each checkpoint: with 16 losses, after 300,000 iterations, 9 ms an iteration and 77 MB
    a checkpoint. The log files have what was logged anyway. Where ``log_processor.custom_cfg``
    averages over an epoch or the whole run (``window_size="epoch"`` or ``"global"``), nothing is
    forgotten.

    Args:
        length: Numbers of each that are kept at least, twice as many at most. One takes 16 bytes,
            and a run's memory is flat from the iteration on at which all have been shortened.
    """

    priority = "VERY_HIGH"  # so that a checkpoint of the same iteration has what is left

    def __init__(self, length: int = 1000) -> None:
        self.length = length
        self._forgets = True

    def before_train(self, runner: Runner) -> None:
        """Find out how far back the log looks."""
        windows = [entry.get("window_size", 0) for entry in runner.log_processor.custom_cfg]
        windows.append(runner.log_processor.window_size)
        self._forgets = not {"epoch", "global"} & set(windows)
        self.length = max([self.length, *(w for w in windows if isinstance(w, int))])

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        """Shorten what became twice as long."""
        if not self._forgets:
            return
        scalars = runner.message_hub.log_scalars
        for name, buffer in scalars.items():
            values, counts = buffer.data
            if len(values) >= 2 * self.length:
                scalars[name] = HistoryBuffer(values[-self.length :], counts[-self.length :])
