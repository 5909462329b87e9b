"""Checkpoints that are not removed before there is a newer one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS

from mtlplugins.engine.loops import VALIDATED, accumulated_batches
from mtlplugins.engine.resuming import INTERRUPTED, claim, name_as_last


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """``CheckpointHook``, same arguments, at no moment of which a kill or a full disk loses a run.

    Older checkpoints go when the new one is on the disk and ``last_checkpoint`` names it, and not
    before; so there has to be room for one more than are kept. Where saving fails, the run stops
    with the reason, and what was there before is whole.

    Raises:
        ValueError: A checkpoint would be saved between two batches whose gradients are accumulated.
        RuntimeError: Another process trains in this work dir.
    """

    def before_train(self, runner: Runner) -> None:
        """Find out where to save, and tidy up what a kill in the middle of a save left there."""
        super().before_train(runner)
        if is_main_process():
            self._lock = claim(Path(runner.work_dir))
        self._check_interval(runner)
        # a validation that is run again may be the best, and then belongs into this one
        self.last_ckpt = runner.message_hub.get_info("last_ckpt", None)
        if is_main_process():
            for folder in (Path(self.out_dir), Path(runner.work_dir)):
                for part in folder.glob(".*.part"):
                    part.unlink(missing_ok=True)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        """Note that this validation is done, and save the weights if they are the best."""
        runner.message_hub.update_info(VALIDATED, runner.iter)
        backend = self.file_backend
        self.file_backend = removals = _Removals(backend)
        try:
            super().after_val_epoch(runner, metrics)
        finally:
            self.file_backend = backend
        for remove, path in removals.pending:
            remove(path)

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
        for old in (*(self.filename_tmpl.format(step) for step in outdated), INTERRUPTED):
            path = self.file_backend.join_path(self.out_dir, old)
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)

    def _keep(self, runner: Runner, step: int) -> list[int]:
        """Count ``step`` among those that are kept, and return those that no longer are."""
        if self.max_keep_ckpts <= 0:
            return []
        kept = self.keep_ckpt_ids
        outdated = []
        if step not in kept:
            if len(kept) == kept.maxlen:
                outdated.append(kept.popleft())
            kept.append(step)
        runner.message_hub.update_info("keep_ckpt_ids", list(kept))
        return outdated


class _Removals:
    """A file backend that keeps removals for later."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.pending: list[tuple[Callable[[str], None], str]] = []

    def remove(self, path: str) -> None:
        self.pending.append((self._backend.remove, path))

    def rmtree(self, path: str) -> None:
        self.pending.append((self._backend.rmtree, path))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)
