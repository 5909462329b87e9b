"""Losses of a distributed training that add up to those of one process."""

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
    """Weigh this process's mean losses, so that their mean over processes is the global mean.

    Distributed training averages the gradients of all W processes alike. Where process p averaged
    a loss over n_p targets, the factor W · n_p / Σ n makes that the average over all targets.

    Args:
        heads: The head of each task, which says what its loss averages over.
        targets: The targets of each task in this process's batch, the same tasks in all processes.
        device: Where the model runs.

    Returns:
        The factor of each task; 1 in a single process.
    """
    world = get_world_size()
    if world == 1:
        return dict.fromkeys(targets, 1.0)
    counts = [heads[task].num_targets(found) for task, found in targets.items()]
    # float64 counts pixels exactly, where float32 ends at 2 ** 24
    own = torch.stack([torch.as_tensor(n, dtype=torch.float64, device=device) for n in counts])
    total = own.clone()
    all_reduce(total, "sum")
    return dict(zip(targets, (world * own / total.clamp(min=1)).float(), strict=True))


def mean_over_processes(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Average numbers over processes, for the log.

    Args:
        values: Scalars, of the same names in all processes.

    Returns:
        The means. A number that is not finite stays as it is where it came up, so that the batch
        with it can be named, and counts as 0 for the others.
    """
    if get_world_size() == 1:
        return dict(values)
    own = torch.stack([value.detach() for value in values.values()])
    mean = own.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    all_reduce(mean, "mean")
    return dict(zip(values, torch.where(own.isfinite(), mean, own), strict=True))
