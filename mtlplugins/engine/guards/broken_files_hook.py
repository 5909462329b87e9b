"""Say which files the training data left out."""

from __future__ import annotations

import logging

import torch
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.dataset_leaves import parts_of

_COUNT = "draws_replaced"
_SHOWN = 5


@HOOKS.register_module()
class BrokenFilesHook(Hook):
    """Count the draws that a data set with ``broken_files='skip'`` replaced, over all processes.

    Each broken file is named once, by the process that met it first; the count is logged at the end
    of an epoch and lives on in the checkpoints, also in those within an epoch.
    """

    def __init__(self) -> None:
        self.replaced = 0  # by all processes, in this epoch or what is run of it
        self.files: dict[str, int] = {}  # times each was met by this process
        self._skips = True

    def before_train(self, runner: Runner) -> None:
        """Look whether there is anything to count: counting lets processes wait for each other."""
        parts = parts_of(runner.train_dataloader.dataset)
        self._skips = any(getattr(part, "broken_files", "skip") == "skip" for part in parts)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Look at what the samples of the batch say, before a checkpoint is saved."""
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
        if not replaced:  # in no process
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
