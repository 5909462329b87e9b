"""Keep what follows from the weights alone while they are tested."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.kept_values import keep_values


@HOOKS.register_module()
class KeepValuesHook(Hook):
    """Compute attention biases once for a loop of validation or test, not for each batch.

    See :func:`keep_values`: no weight changes within such a loop, and what was kept goes with it.
    Weights that a hook swaps for the loop, such as ``EMAHook``, are swapped around what is kept:
    it begins at the first batch and ends before other hooks learn that the loop has ended.
    """

    priority = "VERY_HIGH"

    def __init__(self) -> None:
        self._open = ExitStack()

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Begin with nothing."""
        if batch_idx == 0:
            self._open.close()  # of a loop that an error ended
            self._open.enter_context(keep_values({}))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Let go."""
        self._open.close()

    before_test_iter = before_val_iter
    after_test_epoch = after_val_epoch

    def before_train_epoch(self, runner: Runner) -> None:
        """Let go of what a loop that an error ended has left."""
        self._open.close()
