"""Refuse to resume a run with another optimizer, schedule or batch size."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.private import is_resuming
from mtlplugins.common.text import few

from .run_settings import SIZES, differences, sizes


@HOOKS.register_module()
class CheckResumeHook(Hook):
    """Compare a run with the checkpoint that it goes on from, before it does.

    MMEngine takes the optimizer's settings and the schedule from the checkpoint and says nothing of
    those in the config, so that a longer training has the end of the shorter one's learning rate,
    and one with other batches comes to the end too early or too late.

    Raises:
        ValueError: The optimizer, its settings, the schedule, the batch size or the number of
            batches in an epoch are others. All else may change, and the length too where there is
            no schedule.
    """

    priority = "HIGH"  # before hooks that read what the checkpoint has to hold

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note what the checkpoint does not tell otherwise."""
        checkpoint["meta"][SIZES] = sizes(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to go on as another run."""
        if not is_resuming(runner):
            return
        if found := differences(runner, checkpoint):
            raise ValueError(
                f"the run to resume had other settings: {few(found, 5)}. Give the old ones, as the "
                "checkpoint's optimizer and schedule go on; to train with the new ones from its "
                "weights, give --cfg-options load_from=CHECKPOINT and another --work-dir, without "
                "--resume"
            )
