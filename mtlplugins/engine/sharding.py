"""Weights, gradients and optimizer state divided among processes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.utils import apply_to
from torch import Tensor, nn
from torch.optim import Optimizer

_LISTS = (nn.ModuleList, nn.Sequential)


def check_sharding() -> None:
    """Check that PyTorch has what sharding needs.

    Raises:
        ImportError: It is too old.
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

    They are what its lists of modules hold, leaving out single layers, lists inside lists, and
    what itself holds blocks (a Swin stage).
    """
    held = [child for m in encoder.modules() if isinstance(m, _LISTS) for child in m]
    made = [m for m in held if not isinstance(m, _LISTS) and any(m.children())]
    candidates = {id(m) for m in made if any(True for _ in m.parameters())}
    return [
        m
        for m in encoder.modules()
        if id(m) in candidates
        and not any(id(inner) in candidates for inner in m.modules() if inner is not m)
    ]


def shard(model: nn.Module, optimizer: Optimizer) -> None:
    """Leave each process its part of a model and of its optimizer's state, by ``fully_shard``.

    Both must be the same in all processes, and are then what they were, divided. Each block of
    ``model.backbone`` is a unit whose gradients are averaged and divided as soon as there are all;
    the rest of the model is another. Buffers stay whole.

    A training step gathers all weights before its forward pass, so what a process's batch makes it
    compute does not matter to the others; the backward pass drops them block by block. In between
    (optimizer, other processes' work) a process holds its part alone. In evaluation they are
    gathered at the first batch and stay until the next training step or save.

    Args:
        model: The model; called as a whole, as ``train_step`` and ``val_step`` do.
        optimizer: Of its parameters; any whose state is of single numbers or shaped as a parameter.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import distribute_tensor

    names = {p: name for name, p in model.named_parameters()}
    mesh = init_device_mesh(next(model.parameters()).device.type, (get_world_size(),))
    encoder = getattr(model, "backbone", None)
    units = [*(find_blocks(encoder) if encoder is not None else ()), model]
    for unit in units:
        fully_shard(unit, mesh=mesh, reshard_after_forward=False)

    def gather_weights(module: nn.Module, inputs: Any) -> None:
        for unit in units:
            unit.unshard()

    # behind the root's own hook, which sets up what the others need
    model.register_forward_pre_hook(gather_weights)
    if encoder is not None:
        encoder.register_forward_hook(_maps_together)

    parts = dict(model.named_parameters())

    def divided(value: Any, part: Tensor) -> Any:
        if isinstance(value, Tensor) and value.shape == part.shape:
            return distribute_tensor(value, part.device_mesh, part.placements)
        return value

    state = {parts[names[p]]: values for p, values in optimizer.state.items()}
    for group in optimizer.param_groups:
        group["params"] = [parts[names[p]] for p in group["params"]]
    optimizer.state.clear()
    for part, values in state.items():
        optimizer.state[part] = {key: divided(value, part) for key, value in values.items()}


def gather(state: dict[str, Any]) -> dict[str, Any]:
    """Put a state dict's tensors together on the main process's CPU.

    All processes must call it, with the same names; what the others get is of no use.
    """
    from torch.distributed.tensor import DTensor

    main = is_main_process()

    def whole(part: DTensor) -> Tensor:
        full = part.full_tensor()
        return full.cpu() if main else full.new_empty(0)

    gathered = apply_to(state, lambda value: isinstance(value, DTensor), whole)
    if isinstance(state, OrderedDict) and hasattr(state, "_metadata"):
        gathered._metadata = state._metadata
    return gathered


class _Together(torch.autograd.Function):
    """Gives every map a gradient, be it zero, where one of them has one."""

    @staticmethod
    def forward(ctx: Any, *maps: Tensor) -> tuple[Tensor, ...]:
        return maps

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        return gradients


def _maps_together(encoder: nn.Module, inputs: Any, maps: Any) -> Any:
    """Lead the backward pass through all blocks in all processes, whichever maps their tasks use.

    The processes divide a block's gradients together, so they must come to it in the same order.
    """
    if not isinstance(maps, (tuple, list)):
        return maps
    trained = [i for i, x in enumerate(maps) if x.requires_grad]
    if not trained:
        return maps
    out = list(maps)
    for i, x in zip(trained, _Together.apply(*(maps[i] for i in trained)), strict=True):
        out[i] = x
    return type(maps)(out)
