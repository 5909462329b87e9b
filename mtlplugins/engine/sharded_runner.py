"""Sharded training (FSDP): each rank holds a part of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, cast

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
    """``MultiTaskRunner`` (same arguments) that trains with PyTorch's ``fully_shard``.

    A config selects it by ``runner_type = "ShardedRunner"``. Each rank then holds a part of the
    weights, the gradients and the optimizer state instead of a copy; see :func:`shard`. The initial
    weights, the losses and the data are those of unsharded training, and so are the averaged
    gradients.

    Checkpoints are whole and in MMEngine's format, with no trace of the sharding: any runner, with
    any number of processes, can test or resume them. Starting and resuming need memory for a whole
    copy of the model and its optimizer state on each rank, before there are any activations.

    A single process without a launcher has nothing to shard and behaves as MultiTaskRunner. So do
    testing, and validation without training: each rank holds a copy there, and none waits.

    Raises:
        ImportError: PyTorch is older than 2.6.
        ValueError: The config has a ``model_wrapper_cfg``, or an ``EMAHook``, which copies models.
    """

    _sharded = False

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Leave the model unwrapped: it is sharded once its weights are loaded."""
        if not self.distributed:
            self.logger.info("One process without a launcher: nothing is sharded.")
            return super().wrap_model(model_wrapper_cfg, model)
        check_sharding()
        if model_wrapper_cfg is not None:
            raise ValueError(
                f"model_wrapper_cfg={dict(model_wrapper_cfg)}: ShardedRunner divides the model "
                "instead of wrapping it; leave model_wrapper_cfg or runner_type out"
            )
        if not getattr(getattr(model, "balancing", None), "shardable", True):
            raise ValueError(
                f"model.balancing={type(model.balancing).__name__} does not work with "
                "ShardedRunner; take another method, or leave runner_type out"
            )
        model = model.to(get_device())
        if self.cfg.get("sync_bn"):
            model = convert_sync_batchnorm(model, self.cfg.sync_bn)
        return model

    def load_or_resume(self) -> None:
        """Load or resume into whole copies, then shard them if they are to be trained."""
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
                clip = _with_full_norm(self.optim_wrapper.clip_func)
                self.optim_wrapper.clip_func = clip  # ty: ignore[invalid-assignment]  # inferred
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
        """Save one whole checkpoint; all ranks must call it, the main one writes."""
        model, optimizer = {}, {}
        if self._sharded:
            model = gather(self.model.state_dict())
            wrapper = cast(OptimWrapper, self.optim_wrapper)
            optimizer = gather(wrapper.state_dict()) if save_optimizer else {}
        with (
            _state_dict_replaced(self.model, model),
            _state_dict_replaced(self.optim_wrapper, optimizer),
        ):
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
def _state_dict_replaced(owner: Any, state: dict) -> Iterator[None]:
    """Let ``owner.state_dict()`` return ``state`` in this context, unless it is empty."""
    if not state:
        yield
        return
    owner.state_dict = lambda: state
    try:
        yield
    finally:
        del owner.state_dict


def _with_full_norm(clip: Callable[..., Tensor | None]) -> Callable[..., Tensor | None]:
    """Let a clipping function return the norm over all ranks, for MMEngine to log."""

    @wraps(clip)
    def clip_and_gather(*args: Any, **kwargs: Any) -> Tensor | None:
        norm = clip(*args, **kwargs)
        full_tensor = getattr(norm, "full_tensor", None)  # a DTensor has it
        return norm if full_tensor is None else full_tensor()

    return clip_and_gather
