"""Say which files the training data left out."""

from __future__ import annotations

import logging

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS

_COUNT = "draws_replaced"
_SHOWN = 5


@HOOKS.register_module()
class BrokenFilesHook(Hook):
    """Count the draws that a data set with ``broken_files='skip'`` replaced, over all processes.

    Each broken file is named once, by the process that met it first; the count is logged at the end
    of an epoch and lives on in the checkpoints.
    """

    def __init__(self) -> None:
        self.replaced = 0  # by this process, in this epoch
        self.files: dict[str, int] = {}  # times each was met by this process

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Look at what the samples of the batch say."""
        samples = data_batch.get("data_samples") if isinstance(data_batch, dict) else None
        for sample in samples or ():
            left_out = sample.get("left_out") or ()
            self.replaced += bool(left_out)
            for reason in left_out:
                if reason not in self.files:
                    print_log(f"left out: {reason}", logger="current", level=logging.WARNING)
                self.files[reason] = self.files.get(reason, 0) + 1

    def after_train_epoch(self, runner: Runner) -> None:
        """Log how many draws of this epoch were replaced."""
        found = all_gather_object((self.replaced, self.files))
        self.replaced = 0
        replaced = sum(count for count, _ in found)
        total = replaced + runner.message_hub.get_info(_COUNT, 0)
        runner.message_hub.update_info(_COUNT, total)
        if not replaced:
            return
        files = sorted({reason for _, reasons in found for reason in reasons})
        more = f"; … {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        print_log(
            f"broken files: {replaced} draws of this epoch were replaced, {total} since the start; "
            f"{len(files)} files so far: {'; '.join(files[:_SHOWN])}{more}",
            logger="current",
            level=logging.WARNING,
        )
