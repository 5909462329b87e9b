"""Scaling of losses in distributed training, so that ranks average over all targets equally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.structures import LabelData, PixelData
from torch import Tensor

from mtlplugins.models.heads import TaskHead


def process_shares(
    heads: Mapping[str, TaskHead],
    targets: Mapping[str, Sequence[PixelData | LabelData]],
    device: torch.device,
) -> dict[str, float | Tensor]:
    """Compute factors that turn the mean over ranks of mean losses into the global mean.

    DDP averages the gradients of all W ranks with equal weights. If rank p averages a loss over n_p
    targets, the factor W · n_p / Σ n makes the result the average over all targets.

    Args:
        heads: The head of each task, which counts what its loss averages over.
        targets: The targets of each task in this rank's batch; the same tasks in all ranks.
        device: Device of the model.

    Returns:
        The factor of each task; 1 in a single process.
    """
    world = get_world_size()
    if world == 1:
        return dict.fromkeys(targets, 1.0)
    counts = [heads[task].num_targets(found) for task, found in targets.items()]
    # float64 counts pixels exactly; float32 only up to 2 ** 24
    own = torch.stack([torch.as_tensor(n, dtype=torch.float64, device=device) for n in counts])
    total = own.clone()
    all_reduce(total, "sum")
    return dict(zip(targets, (world * own / total.clamp(min=1)).float(), strict=True))


def mean_over_processes(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Average scalars over ranks.

    Args:
        values: Scalars with the same names in all ranks.

    Returns:
        The means. A value that is not finite stays as it is in its own rank, so that an error can
        name the batch, and counts as 0 in the other ranks.
    """
    if get_world_size() == 1:
        return dict(values)
    own = torch.stack([value.detach() for value in values.values()])
    mean = own.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    all_reduce(mean, "mean")
    return dict(zip(values, torch.where(own.isfinite(), mean, own), strict=True))
