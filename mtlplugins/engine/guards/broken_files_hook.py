"""Log the broken files that the training data skipped."""

from __future__ import annotations

import logging
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.dataset_leaves import leaf_datasets

_COUNT = "draws_replaced"
_SHOWN = 5


@HOOKS.register_module()
class BrokenFilesHook(Hook):
    """Count the draws that a data set with ``broken_files='skip'`` replaced, over all ranks.

    Each rank logs a broken file the first time it meets it; the count is logged at the end of each
    epoch and saved in every checkpoint, also in those within an epoch.
    """

    def __init__(self) -> None:
        self.replaced = 0  # by all ranks, since the epoch was started or resumed
        self.files: dict[str, int] = {}  # how often this rank met each
        self._skips = True

    def before_train(self, runner: Runner) -> None:
        """Check whether any data set skips files: counting synchronises the ranks."""
        parts = leaf_datasets(runner.train_dataloader.dataset)
        self._skips = any(getattr(part, "broken_files", "skip") == "skip" for part in parts)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: Any = None
    ) -> None:
        """Count the replaced draws of the batch, before a checkpoint is saved."""
        if not self._skips:
            return
        replaced = 0
        samples = data_batch.get("data_samples") if isinstance(data_batch, dict) else None
        for sample in samples or ():
            left_out = sample.get("left_out") or ()
            replaced += bool(left_out)
            for reason in left_out:
                if reason not in self.files:
                    print_log(f"left out: {reason}", logger="current", level=logging.WARNING)
                self.files[reason] = self.files.get(reason, 0) + 1
        if get_world_size() > 1:
            count = torch.tensor(float(replaced))
            all_reduce(count)
            replaced = int(count)
        self.replaced += replaced
        hub = runner.message_hub
        hub.update_info(_COUNT, hub.get_info(_COUNT, 0) + replaced)

    def after_train_epoch(self, runner: Runner) -> None:
        """Log how many draws of this epoch were replaced."""
        replaced, self.replaced = self.replaced, 0
        if not replaced:  # on no rank
            return
        total = runner.message_hub.get_info(_COUNT)
        files = sorted({reason for reasons in all_gather_object(self.files) for reason in reasons})
        more = f"; … {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        print_log(
            f"broken files: {replaced} draws of this epoch were replaced, {total} since the start; "
            f"{len(files)} files so far: {'; '.join(files[:_SHOWN])}{more}",
            logger="current",
            level=logging.WARNING,
        )
