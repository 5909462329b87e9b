"""Crash-safe checkpoint hook: old files are removed only after the new one is on disk."""

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

#: In the message hub, and so in checkpoints: names of files to remove once the checkpoint exists.
OUTDATED = "outdated_checkpoints"


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """Crash-safe ``CheckpointHook`` (same arguments).

    After a kill or a full disk there is always a checkpoint to resume from: a checkpoint is an
    atomic write, and older ones are removed only once the new one is on disk and
    ``last_checkpoint`` names it. The disk therefore needs room for one more than are kept. If
    saving fails, the run stops with the reason, and the earlier files are intact.

    Each checkpoint lists the files that it makes obsolete, so a resumed run also removes those
    that a kill left behind. Only file names of the pattern that this hook writes count in that
    list: it never removes a folder, or anything outside its own folder.

    Raises:
        ValueError: A checkpoint would be saved while gradients are being accumulated, or
            ``filename_tmpl`` leads out of the folder or gives all checkpoints the same name.
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
        """Set up the folders, and remove files that a killed run left there."""
        hub = runner.message_hub
        kept = hub.get_info("keep_ckpt_ids", [])
        kept = [step for step in kept if type(step) is int] if isinstance(kept, list) else []
        # shortened here: MMEngine would remove whatever has the name, folders too
        surplus, kept = kept[: -self.max_keep_ckpts], kept[-self.max_keep_ckpts :]
        if self.max_keep_ckpts > 0:
            hub.update_info("keep_ckpt_ids", kept)
        super().before_train(runner)
        self._check_interval(runner)
        # a validation that runs again may be the best, and is then recorded in this checkpoint
        self.last_ckpt = self._in_own_folder(hub.get_info("last_ckpt", None))
        if self.save_best and len(self.key_indicators) == 1:
            self.best_ckpt_path = self._in_own_folder(self.best_ckpt_path, best=True)
        elif self.save_best:
            for key, path in self.best_ckpt_path_dict.items():
                self.best_ckpt_path_dict[key] = self._in_own_folder(path, best=True)
        if is_main_process():
            if self.max_keep_ckpts > 0:
                self._remove([self.filename_tmpl.format(step) for step in surplus])
            outdated = hub.get_info(OUTDATED, [])
            self._remove(outdated if isinstance(outdated, list) else [])
            for folder in {Path(self.out_dir), Path(runner.work_dir)}:
                for part in folder.glob(".*.[0-9]*.part"):
                    if not part.is_dir():
                        part.unlink(missing_ok=True)

    def _in_own_folder(self, recorded: Any, *, best: bool = False) -> str | None:
        """Map a recorded path to this run's folder; None for a name this hook does not write.

        A copied run still records the paths of the original.
        """
        name = os.path.basename(recorded) if isinstance(recorded, str) else ""
        start, _, end = self.filename_tmpl.partition("{")
        step = rf"{re.escape(start)}\d+{re.escape(end.partition('}')[2])}"
        if not re.fullmatch("best_.+_" * best + step, name):
            return None
        return self.file_backend.join_path(self.out_dir, name)

    def _remove(self, names: list[Any]) -> None:
        """Remove files that this hook wrote, except those that are still needed."""
        needed = {self.last_ckpt, getattr(self, "best_ckpt_path", None)}
        needed |= set(getattr(self, "best_ckpt_path_dict", {}).values())
        kept = getattr(self, "keep_ckpt_ids", ())
        needed |= {self._in_own_folder(self.filename_tmpl.format(step)) for step in kept}
        for name in names:
            path = self._in_own_folder(name) or self._in_own_folder(name, best=True)
            if path and path not in needed and self.file_backend.isfile(path):
                self.file_backend.remove(path)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Record that this validation is done, and save the weights if they are the best."""
        runner.message_hub.update_info(VALIDATED, runner.iter)
        backend = self.file_backend
        self.file_backend = removals = _DeferredRemovals(backend)
        try:
            super().after_val_epoch(runner, metrics)
        finally:
            self.file_backend = backend
        self._remove(removals.pending)

    def _check_interval(self, runner: Runner) -> None:
        if self.by_epoch or self.interval <= 0:
            return
        batches = accumulated_batches(runner)
        # an epoch ends with an update, so the count starts again there
        per_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        lengths = {"interval": self.interval}
        if per_epoch:
            lengths["number of batches in an epoch"] = len(runner.train_dataloader)
        for name, length in lengths.items():
            if length % batches:
                raise ValueError(
                    f"default_hooks.checkpoint: the {name}, {length}, is not a multiple of "
                    f"optim_wrapper.accumulative_counts={batches}; accumulated gradients would be "
                    "lost on resuming. Choose another interval" + per_epoch * ", or by_epoch=True"
                )

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        outdated = self._keep(runner, step)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info("last_ckpt", self.last_ckpt)
        # an outdated best checkpoint is removed by after_val_epoch
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
        """Add ``step`` to the kept checkpoints, and return the names of those dropped for it."""
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


class _DeferredRemovals:
    """File backend that collects the names of files to remove instead of removing them."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.pending: list[str] = []

    def remove(self, path: str) -> None:
        self.pending.append(os.path.basename(path))

    def isdir(self, path: str) -> bool:
        """Return False: MMEngine would remove folders (of DeepSpeed), which this hook does not."""
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)
