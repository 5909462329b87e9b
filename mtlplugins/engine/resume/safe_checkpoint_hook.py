"""Checkpoints that are not removed before there is a newer one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS

from mtlplugins.common.private import accumulated_batches

from .loops import VALIDATED
from .work_dir import INTERRUPTED, name_as_last

#: In the message hub, and so in checkpoints: names of files that go when the checkpoint is there.
OUTDATED = "outdated_checkpoints"


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """``CheckpointHook``, same arguments, at no moment of which a kill or a full disk loses a run.

    Older checkpoints go when the new one is on the disk and ``last_checkpoint`` names it, and not
    before; so there has to be room for one more than are kept. Where saving fails, the run stops
    with the reason, and what was there before is whole.

    Which files are no longer needed stands in the checkpoints, so that those go too which a kill
    left there. Of what a checkpoint says only names count, of files that this hook writes: it never
    removes what is outside of its folder, nor a folder.

    Raises:
        ValueError: A checkpoint would be saved between two batches whose gradients are accumulated,
            or ``filename_tmpl`` leads out of the folder or gives all checkpoints one name.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {self.filename_tmpl.format(step) for step in (1, 2)}
        if len(names) == 1 or any(Path(name).name != name for name in names):
            raise ValueError(
                f"default_hooks.checkpoint.filename_tmpl={self.filename_tmpl!r} must be a file "
                "name with {} for the epoch or iteration, as 'epoch_{}.pth'; another folder is "
                "set by out_dir"
            )

    def before_train(self, runner: Runner) -> None:
        """Find out where to save, and tidy up what a kill left there."""
        hub = runner.message_hub
        kept = hub.get_info("keep_ckpt_ids", [])
        kept = [step for step in kept if type(step) is int] if isinstance(kept, list) else []
        # cut here: MMEngine would remove whatever has the name, folders too
        surplus, kept = kept[: -self.max_keep_ckpts], kept[-self.max_keep_ckpts :]
        if self.max_keep_ckpts > 0:
            hub.update_info("keep_ckpt_ids", kept)
        super().before_train(runner)
        self._check_interval(runner)
        # a validation that is run again may be the best, and then belongs into this one
        self.last_ckpt = self._here(hub.get_info("last_ckpt", None))
        if self.save_best and len(self.key_indicators) == 1:
            self.best_ckpt_path = self._here(self.best_ckpt_path, best=True)
        elif self.save_best:
            for key, path in self.best_ckpt_path_dict.items():
                self.best_ckpt_path_dict[key] = self._here(path, best=True)
        if is_main_process():
            if self.max_keep_ckpts > 0:
                self._remove([self.filename_tmpl.format(step) for step in surplus])
            outdated = hub.get_info(OUTDATED, [])
            self._remove(outdated if isinstance(outdated, list) else [])
            for folder in {Path(self.out_dir), Path(runner.work_dir)}:
                for part in folder.glob(".*.[0-9]*.part"):
                    if not part.is_dir():
                        part.unlink(missing_ok=True)

    def _here(self, recorded: Any, *, best: bool = False) -> str | None:
        """The file of a recorded path's name in this run's folder, if this hook writes such.

        A run that was copied still names the files of the one that it was copied from.
        """
        name = os.path.basename(recorded) if isinstance(recorded, str) else ""
        start, _, end = self.filename_tmpl.partition("{")
        step = rf"{re.escape(start)}\d+{re.escape(end.partition('}')[2])}"
        if not re.fullmatch("best_.+_" * best + step, name):
            return None
        return self.file_backend.join_path(self.out_dir, name)

    def _remove(self, names: list[Any]) -> None:
        """Remove files of this hook that are no longer needed, but for those that are kept."""
        needed = {self.last_ckpt, getattr(self, "best_ckpt_path", None)}
        needed |= set(getattr(self, "best_ckpt_path_dict", {}).values())
        kept = getattr(self, "keep_ckpt_ids", ())
        needed |= {self._here(self.filename_tmpl.format(step)) for step in kept}
        for name in names:
            path = self._here(name) or self._here(name, best=True)
            if path and path not in needed and self.file_backend.isfile(path):
                self.file_backend.remove(path)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Note that this validation is done, and save the weights if they are the best."""
        runner.message_hub.update_info(VALIDATED, runner.iter)
        backend = self.file_backend
        self.file_backend = removals = _Removals(backend)
        try:
            super().after_val_epoch(runner, metrics)
        finally:
            self.file_backend = backend
        self._remove(removals.pending)

    def _check_interval(self, runner: Runner) -> None:
        if self.by_epoch or self.interval <= 0:
            return
        batches = accumulated_batches(runner)
        # an epoch ends with an update, so that there the count starts anew
        per_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        lengths = {"interval": self.interval}
        if per_epoch:
            lengths["number of batches in an epoch"] = len(runner.train_dataloader)
        for name, length in lengths.items():
            if length % batches:
                raise ValueError(
                    f"default_hooks.checkpoint: the {name}, {length}, is no multiple of "
                    f"optim_wrapper.accumulative_counts={batches}; what was accumulated would be "
                    "lost on resuming. Choose another interval" + per_epoch * ", or by_epoch=True"
                )

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        outdated = self._keep(runner, step)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info("last_ckpt", self.last_ckpt)
        # a best checkpoint is removed by whoever asked for it
        best = getattr(self.file_backend, "pending", [])
        runner.message_hub.update_info(OUTDATED, [*outdated, *best])
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if not is_main_process():
            return
        name_as_last(Path(runner.work_dir), self.last_ckpt)
        self._remove(outdated)
        (Path(runner.work_dir) / INTERRUPTED).unlink(missing_ok=True)

    def _keep(self, runner: Runner, step: int) -> list[str]:
        """Count ``step`` among those that are kept, and name the files that no longer are."""
        if self.max_keep_ckpts <= 0:
            return []
        kept = self.keep_ckpt_ids
        outdated = []
        if step not in kept:
            if len(kept) == kept.maxlen:
                outdated.append(self.filename_tmpl.format(kept.popleft()))
            kept.append(step)
        runner.message_hub.update_info("keep_ckpt_ids", list(kept))
        return outdated


class _Removals:
    """A file backend that keeps the names of files to be removed for later."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.pending: list[str] = []

    def remove(self, path: str) -> None:
        self.pending.append(os.path.basename(path))

    def isdir(self, path: str) -> bool:
        """No: MMEngine removes folders, in which DeepSpeed saves, and this hook does not."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)
