"""Sharded training (FSDP): each process holds a part of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from mmengine.device import get_device
from mmengine.hooks import EMAHook
from mmengine.model import convert_sync_batchnorm
from mmengine.optim import OptimWrapper
from mmseg.registry import RUNNERS
from torch import Tensor, nn

from .runner import MultiTaskRunner
from .sharding import check_sharding, gather, shard


@RUNNERS.register_module()
class ShardedRunner(MultiTaskRunner):
    """The runner, same arguments, that trains with PyTorch's ``fully_shard``.

    A config asks for it by ``runner_type = "ShardedRunner"``. The processes of a distributed
    training then hold a part of the weights, the gradients and the optimizer's state each, instead
    of a copy; see :func:`shard`. They start from the same weights, loss and data as without it and
    average the same gradients.

    Checkpoints are MMEngine's own, whole, and do not tell how they were trained: any runner, with
    any number of processes, tests or resumes them. Starting and resuming need room for a whole copy
    of the model and its optimizer's state in each process, before there are any activations.

    With one process and no launcher there is nothing to divide, so it is the MultiTaskRunner; so is
    testing, and validation without training: there each process has a copy, and none waits.

    Raises:
        ImportError: PyTorch is older than 2.6.
        ValueError: The config has a ``model_wrapper_cfg``, or an ``EMAHook``, which copies models.
    """

    _sharded = False

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Leave the model bare: it is divided when its weights are there."""
        if not self.distributed:
            self.logger.info("One process without a launcher: nothing is sharded.")
            return super().wrap_model(model_wrapper_cfg, model)
        check_sharding()
        if model_wrapper_cfg is not None:
            raise ValueError(
                f"model_wrapper_cfg={dict(model_wrapper_cfg)}: ShardedRunner divides the model "
                "instead of wrapping it; leave model_wrapper_cfg or runner_type out"
            )
        if not getattr(getattr(model, "step", None), "shardable", True):
            raise ValueError(
                f"model.step={type(model.step).__name__}: ShardedRunner trains all tasks together; "
                "take model.step=dict(type='AllTasks'), or leave runner_type out"
            )
        model = model.to(get_device())
        if self.cfg.get("sync_bn"):
            model = convert_sync_batchnorm(model, self.cfg.sync_bn)
        return model

    def load_or_resume(self) -> None:
        """Load or resume as ever, into whole copies, and divide them if they are to be trained."""
        super().load_or_resume()
        # only training builds an optimizer
        if self.distributed and not self._sharded and isinstance(self.optim_wrapper, OptimWrapper):
            if any(isinstance(hook, EMAHook) for hook in self.hooks):
                raise ValueError(
                    "EMAHook averages whole copies of a model, which ShardedRunner does not keep: "
                    "leave the hook or runner_type out"
                )
            shard(self.model, self.optim_wrapper.optimizer)
            if self.optim_wrapper.clip_grad_kwargs:
                self.optim_wrapper.clip_func = _with_whole_norm(self.optim_wrapper.clip_func)
            self._sharded = True

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Save one whole checkpoint; all processes must call it, the main one writes."""
        model, optimizer = {}, {}
        if self._sharded:
            model = gather(self.model.state_dict())
            optimizer = gather(self.optim_wrapper.state_dict()) if save_optimizer else {}
        with _answering(self.model, model), _answering(self.optim_wrapper, optimizer):
            super().save_checkpoint(
                out_dir,
                filename,
                file_client_args=file_client_args,
                save_optimizer=save_optimizer,
                save_param_scheduler=save_param_scheduler,
                meta=meta,
                by_epoch=by_epoch,
                backend_args=backend_args,
            )


@contextmanager
def _answering(owner: Any, state: dict) -> Iterator[None]:
    """Let ``owner.state_dict()`` give ``state``, if there is any."""
    if not state:
        yield
        return
    owner.state_dict = lambda: state
    try:
        yield
    finally:
        del owner.state_dict


def _with_whole_norm(clip: Callable[..., Tensor | None]) -> Callable[..., Tensor | None]:
    """Let a clipping function return the norm over all processes, as MMEngine logs it."""

    @wraps(clip)
    def clip_and_gather(*args: Any, **kwargs: Any) -> Tensor | None:
        norm = clip(*args, **kwargs)
        return norm.full_tensor() if hasattr(norm, "full_tensor") else norm

    return clip_and_gather
