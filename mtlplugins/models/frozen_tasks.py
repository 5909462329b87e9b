"""Whether what stays frozen is known at all."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def check_frozen(frozen: Mapping[str, Tensor], state: Mapping[str, Tensor], prefix: str) -> None:
    """Check that a checkpoint has everything that will not be trained.

    Args:
        frozen: Frozen parameters and buffers by name.
        state: Tensors of the checkpoint by name.
        prefix: Begins their names.

    Raises:
        ValueError: One is missing or has another shape.
    """
    for name, value in frozen.items():
        given = state.get(prefix + name)
        if given is None or given.shape != value.shape:
            raise ValueError(
                "what is frozen (model.frozen_tasks) stays as it is in the checkpoint, but that "
                f"{'lacks' if given is None else 'has another shape of'} {name}: give the "
                "checkpoint of a model with the same encoder, decoders and heads"
            )
