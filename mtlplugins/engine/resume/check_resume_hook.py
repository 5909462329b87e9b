"""Refuse to resume with a different optimizer, schedule or batch size."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.private import is_resuming
from mtlplugins.common.text import few

from .run_settings import SIZES, differences, sizes


@HOOKS.register_module()
class CheckResumeHook(Hook):
    """Compare the settings of a resumed run with those in its checkpoint.

    MMEngine takes the optimizer's settings and the schedule from the checkpoint and silently
    ignores those in the config: a training made longer would follow the old learning-rate schedule
    to its end, and one with a different batch size would reach that end too early or too late.

    Raises:
        ValueError: The optimizer, its settings, the schedule, the batch size or the number of
            batches in an epoch differ. Everything else may change; the length may change too if
            there is no schedule.
    """

    priority = "HIGH"  # before hooks that rely on the checkpoint

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Record the batch size and the length of an epoch in the checkpoint."""
        checkpoint["meta"][SIZES] = sizes(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to resume with different settings."""
        if not is_resuming(runner):
            return
        if found := differences(runner, checkpoint):
            raise ValueError(
                f"the run to resume had other settings: {few(found, 5)}. Give the old ones, as the "
                "checkpoint's optimizer and schedule continue; to train with the new ones from its "
                "weights, give --cfg-options load_from=CHECKPOINT and another --work-dir, without "
                "--resume"
            )
