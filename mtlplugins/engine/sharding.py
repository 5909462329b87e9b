"""Sharding of weights, gradients and optimizer state over the ranks (``fully_shard``)."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.utils import apply_to
from torch import Tensor, nn
from torch.optim import Optimizer

from mtlplugins.common.private import copy_versions

_LISTS = (nn.ModuleList, nn.Sequential)


def check_sharding() -> None:
    """Check that PyTorch has ``fully_shard``.

    Raises:
        ImportError: PyTorch is too old.
    """
    try:
        from torch.distributed.fsdp import fully_shard  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "runner_type='ShardedRunner' needs torch.distributed.fsdp.fully_shard, which came with "
            f"PyTorch 2.6; this is {torch.__version__}. Install a newer one, or leave runner_type "
            "out to train whole copies"
        ) from error


def find_blocks(encoder: nn.Module) -> list[nn.Module]:
    """Find the residual blocks of an encoder of any architecture.

    Blocks are the members of its module lists, except single layers, nested lists, and members
    that contain blocks themselves (a Swin stage).
    """
    members = [child for m in encoder.modules() if isinstance(m, _LISTS) for child in m]
    composed = [m for m in members if not isinstance(m, _LISTS) and any(m.children())]
    candidates = {id(m) for m in composed if any(True for _ in m.parameters())}
    return [
        m
        for m in encoder.modules()
        if id(m) in candidates
        and not any(id(inner) in candidates for inner in m.modules() if inner is not m)
    ]


def shard(model: nn.Module, optimizer: Optimizer) -> None:
    """Shard a model and its optimizer state over the ranks, in place, by ``fully_shard``.

    Both must be equal on all ranks. Each block of ``model.backbone`` is one unit, whose gradients
    are averaged and sharded as soon as they are complete; the rest of the model is another unit.
    Buffers stay whole.

    A training step gathers all weights before its forward pass, so the ranks may compute different
    things for their batches; the backward pass frees the weights block by block. Between backward
    and the next forward pass (optimizer, other ranks' work) a rank holds its part only. Evaluation
    gathers the weights at the first batch and keeps them until the next training step or save.

    Args:
        model: The model; called as a whole, as ``train_step`` and ``val_step`` do.
        optimizer: Optimizer of its parameters, whose state consists of scalars and of tensors with
            the shape of their parameter.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import distribute_tensor

    names: dict[Tensor, str] = {p: name for name, p in model.named_parameters()}
    mesh = init_device_mesh(next(model.parameters()).device.type, (get_world_size(),))
    encoder = getattr(model, "backbone", None)
    units: list[Any] = [*(find_blocks(encoder) if encoder is not None else ()), model]
    for unit in units:
        fully_shard(unit, mesh=mesh, reshard_after_forward=False)

    def gather_weights(module: nn.Module, inputs: Any) -> None:
        for unit in units:
            unit.unshard()

    # after the root's own hook, which initialises the other units
    model.register_forward_pre_hook(gather_weights)
    if encoder is not None:
        encoder.register_forward_hook(_join_maps)

    parts = dict(model.named_parameters())

    def sharded(value: Any, part: Any) -> Any:  # part: a DTensor
        if isinstance(value, Tensor) and value.shape == part.shape:
            return distribute_tensor(value, part.device_mesh, part.placements)
        return value

    state = {parts[names[p]]: values for p, values in optimizer.state.items()}
    for group in optimizer.param_groups:
        group["params"] = [parts[names[p]] for p in group["params"]]
    optimizer.state.clear()
    for part, values in state.items():
        optimizer.state[part] = {key: sharded(value, part) for key, value in values.items()}


def gather(state: dict[str, Any]) -> dict[str, Any]:
    """Gather the sharded tensors of a state dict on the CPU of the main process.

    All ranks must call it, with the same names; the result is only valid on the main process.
    """
    from torch.distributed.tensor import DTensor

    main = is_main_process()

    def whole(part: DTensor) -> Tensor:
        full = part.full_tensor()
        return full.cpu() if main else full.new_empty(0)

    gathered = apply_to(state, lambda value: isinstance(value, DTensor), whole)
    copy_versions(state, gathered)
    return gathered


class _JoinedGradients(torch.autograd.Function):
    """Identity; backward gives unused maps zero gradients."""

    @staticmethod
    def forward(ctx: Any, *maps: Tensor) -> tuple[Tensor, ...]:
        return maps

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        return gradients


def _join_maps(encoder: nn.Module, inputs: Any, maps: Any) -> Any:
    """Make the backward pass visit all blocks on all ranks, whichever maps their tasks use.

    Averaging a block's gradients is a collective, so all ranks must reach it in the same order.
    """
    # an encoder that stopped at its branch point gives no plain maps
    if not isinstance(maps, (tuple, list)) or not all(isinstance(x, Tensor) for x in maps):
        return maps
    trained = [i for i, x in enumerate(maps) if x.requires_grad]
    if not trained:
        return maps
    out = list(maps)
    for i, x in zip(trained, _JoinedGradients.apply(*(maps[i] for i in trained)), strict=True):
        out[i] = x
    return type(maps)(out)
