"""Synchronised batch norms in one of several processes: ``python _single_values.py FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch import distributed as dist

import mtlplugins  # noqa: F401, applies the workarounds

#: Images of each of two processes.
ROWS = {"one and none": (1, 0), "none and one": (0, 1), "one each": (1, 1), "two and one": (2, 1)}
CHANNELS = 3


def values(count: int) -> Tensor:
    """The first so many images, pooled to 1 x 1."""
    images = torch.randn(3, CHANNELS, 1, 1, generator=torch.Generator().manual_seed(7))
    return images[:count].clone().requires_grad_()


def norm(kind: type) -> nn.Module:
    """A norm that has learnt something before."""
    own = kind(CHANNELS)
    with torch.no_grad():
        own.weight.copy_(torch.tensor([1.0, 2.0, -1.0]))
        own.bias.copy_(torch.tensor([0.5, 0.0, -0.5]))
        own.running_mean.copy_(torch.tensor([0.2, -0.3, 0.0]))
        own.running_var.copy_(torch.tensor([4.0, 1.0, 0.25]))
    return own


def step(own: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Run the norm on ``x`` and back; the share of the other rows in the loss is theirs."""
    out = own(x)
    out.square().sum().backward()
    gradients = dict(x=x.grad, weight=own.weight.grad, bias=own.bias.grad)
    return dict(out=out.detach(), **gradients, mean=own.running_mean, variance=own.running_var)


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, found = dist.get_rank(), {}
    for name, counts in ROWS.items():
        start = sum(counts[:rank])
        own = values(sum(counts)).detach()[start : start + counts[rank]].requires_grad_()
        found[name] = step(norm(nn.SyncBatchNorm), own)
    torch.save(found, Path(sys.argv[1]) / f"{rank}.pt")
    os._exit(0)  # gloo's threads may outlive the interpreter
