"""Synchronised batch norms when some ranks lack a task: empty batches prevent a deadlock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import nn

from mtlplugins.models.rows import AllRows, Rows, SomeRows


def synchronised_rows(rows: SomeRows, modules: Mapping[str, Sequence[nn.Module]]) -> SomeRows:
    """Add empty batches of the tasks whose synchronised norms other ranks wait for.

    A synchronised batch norm (the config's ``sync_bn="torch"``) computes its statistics over all
    ranks and waits for them. If a rank lacked the task of a decoder, the others would wait forever;
    with an empty batch it takes part and adds nothing.

    Args:
        rows: The rows of this rank.
        modules: The own modules of each task that may have rows; the same in all ranks.

    Returns:
        The rows, with an empty list of images for each task that only other ranks have and wait
        for. A task that no rank has is left out, because statistics of nothing are undefined.
    """
    if get_world_size() == 1:
        return rows
    waiting = [task for task, own in modules.items() if any(map(_waits, own))]
    if not waiting:
        return rows
    device = next(modules[waiting[0]][0].parameters()).device
    counts = torch.tensor([len(rows.images.get(task, ())) for task in waiting], device=device)
    all_reduce(counts, "sum")
    somewhere = {task for task, count in zip(waiting, counts.tolist(), strict=True) if count}
    images = {
        task: rows.images.get(task, [])
        for task in modules
        if task in rows.images or task in somewhere
    }
    return SomeRows(images, rows.num_images)


def rows_to_encode(rows: Rows) -> Rows:
    """Return ``rows``, or one dummy row if they are empty, so that empty slices of maps exist."""
    if not isinstance(rows, SomeRows) or any(rows.images.values()):
        return rows
    return AllRows(rows.tasks[:1], 1)


def _waits(module: nn.Module) -> bool:
    return any(isinstance(m, nn.SyncBatchNorm) and m.training for m in module.modules())
