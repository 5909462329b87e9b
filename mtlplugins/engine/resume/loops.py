"""Training loops that resume exactly where a run was stopped, also within an epoch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sized
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

#: In the message hub, and so in checkpoints: the iteration at which the last validation ended.
VALIDATED = "validated_at_iter"
#: Likewise: batches done of an interrupted epoch, and batches per epoch.
BATCHES = "batches_of_epoch"


@LOOPS.register_module()
class ResumableEpochLoop(EpochBasedTrainLoop):
    """``EpochBasedTrainLoop`` (same arguments) that can also resume within an epoch.

    With numbered draws the batches before the checkpoint are not read again. A validation that was
    due at the checkpoint, but is not recorded in it, runs first. Gradients are not accumulated
    across epochs: the last batches of an epoch make an update of their own, so its checkpoint holds
    everything learnt.
    """

    def run(self) -> nn.Module:
        """Train to the end and return the model."""
        self.runner.call_hook("before_train")
        if self._epoch and not self._begun():
            self._validate_if_missing()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate_if_due()
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """Train for one epoch, or for the rest of an interrupted one."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        begun = self._begun()
        length = len(self.dataloader)
        # not the model: it is only searched for batch norms, which the runner warned of already
        self.runner.optim_wrapper.initialize_count_status(nn.Identity(), begun, length)
        hub = self.runner.message_hub
        for index, batch in enumerate(_batches_from(self.dataloader, begun), begun):
            hub.update_info(BATCHES, (index + 1, length))
            self.run_iter(index, batch)
        hub.update_info(BATCHES, (0, length))
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def _begun(self) -> int:
        """Return the number of batches done of this epoch."""
        done, length = self.runner.message_hub.get_info(BATCHES, (0, 0))
        if done and length != len(self.dataloader):
            print_log(
                f"the run was stopped after batch {done} of {length}, but now an epoch has "
                f"{len(self.dataloader)} batches: the epoch starts again",
                logger="current",
                level=logging.WARNING,
            )
            return 0
        return done

    def _validate_if_missing(self) -> None:
        if self.runner.message_hub.get_info(VALIDATED, None) != self._iter:
            self._validate_if_due()

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if _validation_is_due(self, self._epoch, self._max_epochs):
            self.runner.val_loop.run()


@LOOPS.register_module()
class ResumableIterLoop(IterBasedTrainLoop):
    """``IterBasedTrainLoop`` (same arguments) that resumes without reading old batches again.

    This needs numbered draws; with a :class:`DrawSampler` a resumed run starts as quickly after a
    million iterations as after one. A validation that was due at the checkpoint, but is not
    recorded in it, runs first.
    """

    def run(self) -> nn.Module:
        """Train to the end and return the model."""
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        batches: Iterator[Any] = self.dataloader_iterator
        if self._iter:
            batches = self._remaining_batches()
            if self.runner.message_hub.get_info(VALIDATED, None) != self._iter:
                self._validate_if_due()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._validate_if_due()
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def _remaining_batches(self) -> Iterator[Any]:
        sampler = self.dataloader.sampler
        endless = getattr(sampler, "endless", isinstance(sampler, InfiniteSampler))
        epoch, begun = (0, self._iter) if endless else divmod(self._iter, len(self.dataloader))
        while True:
            _set_epoch(self.dataloader, epoch)
            yield from _batches_from(self.dataloader, begun)
            epoch, begun = epoch + 1, 0

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if _validation_is_due(self, self._iter, self._max_iters):
            self.runner.val_loop.run()


def _validation_is_due(loop: EpochBasedTrainLoop | IterBasedTrainLoop, done: int, end: int) -> bool:
    """Return whether a run validates after ``done`` of ``end`` epochs or iterations."""
    return (
        loop.runner.val_loop is not None
        and done >= loop.val_begin
        and (done % loop.val_interval == 0 or done == end)
    )


def _batches_from(dataloader: DataLoader, begun: int) -> Iterator[Any]:
    """Yield the batches of an epoch without the first ``begun``."""
    sampler = dataloader.sampler
    start_at = getattr(sampler, "start_at", None)
    if begun and start_at is not None and dataloader.batch_size is not None:
        start_at(begun * dataloader.batch_size)
        yield from dataloader
        return
    batches = iter(dataloader)
    if begun:
        print_log(
            f"{type(sampler).__name__} cannot start in the middle of an epoch: {begun} batches are "
            "read and skipped. A DrawSampler can",
            logger="current",
            level=logging.WARNING,
        )
    for _ in range(begun):
        next(batches)
    yield from batches


def _set_epoch(dataloader: DataLoader, epoch: int) -> None:
    set_epoch = getattr(dataloader.sampler, "set_epoch", None)
    if set_epoch is not None:
        set_epoch(epoch)


#: MMEngine's training loops and their resumable versions, which take the same arguments.
RESUMABLE = {EpochBasedTrainLoop: ResumableEpochLoop, IterBasedTrainLoop: ResumableIterLoop}


def make_resumable(loop: dict) -> dict:
    """Replace MMEngine's training loop by the resumable one in a loop's config."""
    loop = dict(loop)
    kind = _class_of(loop)
    if loop.get("type") is None:
        loop.pop("by_epoch", None)
    if kind in RESUMABLE:
        loop["type"] = RESUMABLE[kind]
    return loop


def refuse_no_batches(loader: DataLoader) -> None:
    """Refuse training data that make no batch.

    Raises:
        ValueError: ``drop_last`` leaves nothing: a loop over epochs would train on nothing, and one
            over iterations would wait for ever.
    """
    if isinstance(loader.dataset, Sized) and loader.drop_last and not len(loader):
        raise ValueError(
            f"train_dataloader: {len(loader.dataset)} images make no batch of {loader.batch_size} "
            "with drop_last=True: give a smaller batch_size, or drop_last=False"
        )


def counts_iterations(loop: Any) -> bool:
    """Return whether a training loop, or its config, counts iterations and not epochs."""
    kind = _class_of(loop) if isinstance(loop, Mapping) else type(loop)
    return isinstance(kind, type) and issubclass(kind, IterBasedTrainLoop)


def _class_of(loop: Mapping[str, Any]) -> Any:
    kind = loop.get("type")
    if kind is None and "by_epoch" in loop:
        return EpochBasedTrainLoop if loop["by_epoch"] else IterBasedTrainLoop
    return LOOPS.get(kind) if isinstance(kind, str) else kind
