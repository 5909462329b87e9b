"""Training loops that resume exactly where a run was stopped, in the middle of an epoch too."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

#: In the message hub, and so in checkpoints: the iterations done when the last validation ended.
VALIDATED = "validated_at_iter"
#: Likewise: batches done of an epoch that was stopped, and how many it has.
BATCHES = "batches_of_epoch"


@LOOPS.register_module()
class ResumableEpochLoop(EpochBasedTrainLoop):
    """``EpochBasedTrainLoop``, same arguments, that also resumes in the middle of an epoch.

    What was trained on is not read again, where draws are numbered. A validation
    that was due when the checkpoint was saved, and is not in it, is run first. Gradients are not
    accumulated across epochs: the last batches of one make an update of their own, so that its
    checkpoint holds all that was learnt.
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
        """Train for one epoch, or for what is left of it."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        begun = self._begun()
        length = len(self.dataloader)
        # the model is asked for batch norms, which the runner has warned of already
        self.runner.optim_wrapper.initialize_count_status(nn.Identity(), begun, length)
        hub = self.runner.message_hub
        for index, batch in enumerate(_batches_from(self.dataloader, begun), begun):
            hub.update_info(BATCHES, (index + 1, length))
            self.run_iter(index, batch)
        hub.update_info(BATCHES, (0, length))
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def _begun(self) -> int:
        """Batches done of this epoch."""
        done, length = self.runner.message_hub.get_info(BATCHES, (0, 0))
        if done and length != len(self.dataloader):
            print_log(
                f"the run was stopped after batch {done} of {length}, but now an epoch has "
                f"{len(self.dataloader)} batches: it is begun anew",
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
        if (
            self.runner.val_loop is not None
            and self._epoch >= self.val_begin
            and (self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs)
        ):
            self.runner.val_loop.run()


@LOOPS.register_module()
class ResumableIterLoop(IterBasedTrainLoop):
    """``IterBasedTrainLoop``, same arguments, that does not read again what it trained on.

    That is where draws are numbered; with a :class:`DrawSampler` a resumed run starts as quickly
    after a million iterations as after one. A validation that was due when the checkpoint was
    saved, and is not in it, is run first.
    """

    def run(self) -> nn.Module:
        """Train to the end and return the model."""
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        batches = self.dataloader_iterator
        if self._iter:
            batches = self._batches_from_here()
            if self.runner.message_hub.get_info(VALIDATED, None) != self._iter:
                self._validate_if_due()
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._validate_if_due()
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def _batches_from_here(self) -> Iterator[dict]:
        sampler = self.dataloader.sampler
        endless = getattr(sampler, "endless", isinstance(sampler, InfiniteSampler))
        epoch, begun = (0, self._iter) if endless else divmod(self._iter, len(self.dataloader))
        while True:
            _set_epoch(self.dataloader, epoch)
            yield from _batches_from(self.dataloader, begun)
            epoch, begun = epoch + 1, 0

    def _validate_if_due(self) -> None:
        self._decide_current_val_interval()
        if (
            self.runner.val_loop is not None
            and self._iter >= self.val_begin
            and (self._iter % self.val_interval == 0 or self._iter == self._max_iters)
        ):
            self.runner.val_loop.run()


def _batches_from(dataloader: DataLoader, begun: int) -> Iterator[dict]:
    """Give the batches of an epoch but for the first ``begun``."""
    sampler = dataloader.sampler
    if begun and hasattr(sampler, "start_at"):
        sampler.start_at(begun * dataloader.batch_size)
        yield from dataloader
        return
    batches = iter(dataloader)
    if begun:
        print_log(
            f"{type(sampler).__name__} cannot start in the middle of an epoch: {begun} batches are "
            "read and left out. A DrawSampler can",
            logger="current",
            level=logging.WARNING,
        )
    for _ in range(begun):
        next(batches)
    yield from batches


def _set_epoch(dataloader: DataLoader, epoch: int) -> None:
    if hasattr(dataloader.sampler, "set_epoch"):
        dataloader.sampler.set_epoch(epoch)


#: In whose place a run has which loop, of the same arguments.
RESUMABLE = {EpochBasedTrainLoop: ResumableEpochLoop, IterBasedTrainLoop: ResumableIterLoop}


def make_resumable(loop: dict) -> dict:
    """Name the resumable loop in a config that asks for one of MMEngine's training loops."""
    loop = dict(loop)
    kind = loop.get("type")
    if kind is None and "by_epoch" in loop:
        kind = EpochBasedTrainLoop if loop.pop("by_epoch") else IterBasedTrainLoop
    elif isinstance(kind, str):
        kind = LOOPS.get(kind)
    if kind in RESUMABLE:
        loop["type"] = RESUMABLE[kind]
    return loop
