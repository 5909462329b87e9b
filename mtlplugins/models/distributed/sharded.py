"""Several backward passes in a step of a model that is sharded by ``fully_shard``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


def is_sharded(model: nn.Module) -> bool:
    """Say whether the model's parameters are divided among the processes."""
    return hasattr(model, "set_requires_gradient_sync")


@contextmanager
def gradients_kept_whole(model: nn.Module) -> Iterator[None]:
    """Let backward passes of a sharded model add up whole gradients, without communication.

    Weights stay gathered, too. The first backward pass after this context averages what has been
    added up over the processes and divides it. If it goes through no block of the model, it does so
    in the same order in all processes, whatever each of them computed before.

    Args:
        model: Any model; nothing happens to one that is not sharded.
    """
    if not is_sharded(model):
        yield
        return

    def set_last(last: bool) -> None:
        model.set_requires_gradient_sync(last)  # ty: ignore[not-callable]
        model.set_reshard_after_backward(last)  # ty: ignore[not-callable]
        model.set_is_last_backward(last)  # ty: ignore[not-callable]

    set_last(False)
    try:
        yield
        # FSDP has divided the root's own weights by now in processes that went backward, and has to
        # gather them again: so in the others, which would not take part
        model.reshard()  # ty: ignore[not-callable]
    finally:
        set_last(True)
