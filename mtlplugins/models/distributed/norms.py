"""Batch norms that wait for the other processes, where these may lack a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import nn

from mtlplugins.models.every_row import EveryRow
from mtlplugins.models.rows import Rows


def synchronised_rows(rows: Rows, modules: Mapping[str, Sequence[nn.Module]]) -> Rows:
    """Let this process run a task that another one runs, if it has to, on no image.

    A synchronised batch norm (the config's ``sync_bn="torch"``) computes its statistics over all
    processes and waits for them. Where one of them lacked the task of a decoder, the others would
    wait for it forever; on no image it takes part and adds nothing.

    Args:
        rows: The rows of this process.
        modules: Of each task that may have rows, the modules that are its own; the same in all
            processes.

    Returns:
        Rows with an empty list of images for each task that other processes have and wait for. A
        task that no process has gets none: statistics over nothing are not defined.
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
    return Rows(images, rows.num_images)


def rows_to_encode(rows: Rows | EveryRow) -> Rows | EveryRow:
    """What an encoder runs for ``rows``: one row where there is none, for maps to take none of."""
    if isinstance(rows, EveryRow) or any(rows.images.values()):
        return rows
    return Rows.asked_for(rows.tasks[:1], 1)


def _waits(module: nn.Module) -> bool:
    return any(isinstance(m, nn.SyncBatchNorm) and m.training for m in module.modules())
