"""Report of affinity over the checkpoints of a run, as plain numbers for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor

from mtlplugins.analysis.embeddings import mixed_embedding
from mtlplugins.analysis.training_batches import (
    Batch,
    build_model,
    load_checkpoint,
    training_batches,
)
from mtlplugins.common.progress import track
from mtlplugins.models import MultiTaskModel

from .figures import deviation, figures
from .gradients import scalar_products
from .groupings import rank_correlation, ranked
from .look_ahead import look_ahead
from .shared_parts import ALL, Shared, shared_parts

Report = dict[str, Any]


def measure(
    cfg: Config,
    checkpoints: Sequence[str],
    *,
    batches: int = 8,
    step: float = 1e-4,
    measured: Mapping[frozenset[str], Mapping[str, float]] | None = None,
) -> Report:
    """Measure the affinity of a model's trained tasks.

    Args:
        cfg: A config with a model of two tasks or more, and training data.
        checkpoints: Checkpoints of the model, in the order of training; each sees the same batches.
        batches: Number of batches of training data; each needs two images.
        step: Length of a step of the look-ahead; see :func:`look_ahead`.
        measured: Gains of trained groups; see :func:`.measured.measured_gains`.

    Returns:
        ``tasks``, ``checkpoints``, and ``own``: by part the :class:`Figures` over all checkpoints
        and batches, ``look_ahead`` and its ``look_ahead_deviation``, and ``history``, a list with
        ``share``, ``cosine`` and ``look_ahead`` of each checkpoint; ``folded``: the same with one
        embedding, the mean, for all tasks, None without conditioning; ``groupings``, ranked, and
        ``rank_correlation``. Tables are lists of rows; None where a number is not known.

    Raises:
        OSError: A checkpoint cannot be read.
        ValueError: A checkpoint does not fit, or fewer than two tasks are trained.
    """
    model = build_model(cfg)
    shared = shared_parts(model)
    found = list(training_batches(cfg, model, batches))
    own: list[_Seen] = []
    folded: list[_Seen] = []
    for checkpoint in checkpoints:
        load_checkpoint(model, checkpoint)
        own.append(_look(model, shared, found, step))
        if model.task_embedding is not None:
            folded.append(_look(model, shared, found, step, fold=True))
    tasks = list(model.trained_tasks)
    weights = torch.tensor([model.balancing.task_weights.get(t, 1.0) for t in tasks]).double()
    result: Report = dict(
        tasks=tasks,
        checkpoints=list(checkpoints),
        batches=len(found),
        images=len(found[0].images) if found else 0,
        step=step,
        own=_summary(own, weights),
        folded=_summary(folded, weights) if folded else None,
    )
    affinity = torch.cat([seen[1] for seen in own]).nanmean(0).tolist()
    groupings = ranked(tasks, affinity, measured)
    return result | dict(
        groupings=[g._asdict() for g in groupings], rank_correlation=rank_correlation(groupings)
    )


#: Scalar products (n, 2, T, 2, T) by part, and look-aheads (n, T, T), of one checkpoint.
_Seen = tuple[dict[str, Tensor], Tensor]


def _look(
    model: MultiTaskModel, shared: Shared, batches: Sequence[Batch], step: float, fold: bool = False
) -> _Seen:
    tasks = model.trained_tasks
    products, ahead = [], []
    with mixed_embedding(model, dict.fromkeys(model.tasks, 1.0)) if fold else nullcontext():
        for batch in track(batches, "batches"):
            products.append(scalar_products(model, shared, tasks, batch))
            ahead.append(look_ahead(model, shared, tasks, batch, step=step))
    by_part = {part: torch.stack([found[part] for found in products]) for part in shared.slices}
    return by_part, torch.stack(ahead)


def _summary(seen: Sequence[_Seen], weights: Tensor) -> Report:
    parts = {
        part: figures(torch.cat([products[part] for products, _ in seen]), weights)
        for part in seen[0][0]
    }
    ahead = torch.cat([found for _, found in seen])
    history = []
    for products, found in seen:
        whole = figures(products[ALL], weights)
        history.append(
            dict(
                share=_plain(whole.share),
                cosine=_plain(whole.cosine),
                look_ahead=_plain(found.nanmean(0)),
            )
        )
    return dict(
        parts={
            part: {name: _plain(value) for name, value in found._asdict().items()}
            for part, found in parts.items()
        },
        look_ahead=_plain(ahead.nanmean(0)),
        look_ahead_deviation=_plain(deviation(ahead)),
        history=history,
    )


def _plain(values: Tensor) -> list:
    """Convert to lists, with None for NaN, which JSON does not know."""
    if values.dim() > 1:
        return [_plain(row) for row in values]
    return [None if value != value else value for value in values.tolist()]
