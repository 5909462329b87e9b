"""Figures of affinity, from the scalar products of the tasks' gradients on halves of batches."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Figures(NamedTuple):
    """Means over batches of one part of the network; NaN where no batch has both tasks.

    Attributes:
        cosine: Cosine of the tasks' gradients on whole batches (T, T).
        deviation: Its sample standard deviation over batches (T, T).
        halves: Cosine of a task's gradient on one half of a batch and a task's on the other (T, T);
            on the diagonal of the same task: how well half a batch knows its own direction.
        conflicts: Share of these, of both orders of the halves, that are negative (T, T).
        share: Share of each task's norm in the sum of the norms, whole batches (T,).
        norm: Norm of each task's gradient (T,), times its weight.
    """

    cosine: Tensor
    deviation: Tensor
    halves: Tensor
    conflicts: Tensor
    share: Tensor
    norm: Tensor


def figures(products: Tensor, weights: Tensor) -> Figures:
    """Compute the figures of one part.

    The gradient of a whole batch is the mean of those of its halves. A batch counts for a pair of
    tasks if both halves have both.

    Args:
        products: Of each batch (n, 2, T, 2, T), see :func:`.gradients.scalar_products`.
        weights: Weight of each task's loss (T,); only ``share`` and ``norm`` depend on them.
    """
    whole = products.sum((1, 3)) / 4  # (n, T, T)
    squares = whole.diagonal(dim1=1, dim2=2)
    cosines = _cosines(whole, squares, squares)
    first, second = (products[:, h, :, h].diagonal(dim1=1, dim2=2) for h in (0, 1))
    across = torch.stack(
        [
            _cosines(products[:, 0, :, 1], first, second),
            _cosines(products[:, 1, :, 0], second, first),
        ],
        dim=1,
    ).flatten(0, 1)  # (2 n, T, T)
    known = across.isfinite()
    negative = torch.where(known, (across < 0).double(), torch.nan)
    norms = squares.sqrt() * weights
    complete = norms[norms.isfinite().all(1) & (norms.sum(1) > 0)]
    return Figures(
        cosine=cosines.nanmean(0),
        deviation=deviation(cosines),
        halves=across.nanmean(0),
        conflicts=negative.nanmean(0),
        share=(complete / complete.sum(1, keepdim=True)).nanmean(0),
        norm=norms.nanmean(0),
    )


def _cosines(products: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Divide products (n, T, T) by lengths; NaN where a length is 0."""
    lengths = (rows[:, :, None] * columns[:, None]).sqrt()
    return torch.where(lengths > 0, products / lengths, torch.nan)


def deviation(values: Tensor) -> Tensor:
    """Compute the sample standard deviation over the first axis, without NaN; NaN for one value."""
    known = values.isfinite().sum(0)
    squares = (values - values.nanmean(0)).square().nansum(0)
    return torch.where(known > 1, (squares / (known - 1).clamp(min=1)).sqrt(), torch.nan)
