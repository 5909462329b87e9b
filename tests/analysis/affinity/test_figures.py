"""Figures of affinity from vectors, by hand and by plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mtlplugins.analysis.affinity.figures import figures

ONES = torch.ones(2, dtype=torch.float64)


def products(vectors) -> torch.Tensor:
    """Scalar products of vectors (n, 2, T, P)."""
    rows = torch.as_tensor(vectors, dtype=torch.float64)
    return torch.einsum("nhtp,ngsp->nhtgs", rows, rows)


def test_by_hand() -> None:
    # halves of task a: (3, 0) and (1, 0); of task b: (0, 2) and (-2, 2)
    found = figures(products([[[[3, 0], [0, 2]], [[1, 0], [-2, 2]]]]), torch.tensor([1.0, 3.0]))
    # whole: a = (2, 0), b = (-1, 2)
    assert found.cosine[0, 1] == pytest.approx(-1 / math.sqrt(5))
    assert found.cosine[0, 0] == pytest.approx(1)
    assert found.deviation.isnan().all()  # one batch
    # a's first half with b's second, b's first with a's second
    assert found.halves[0, 1] == pytest.approx((-1 / math.sqrt(2) + 0) / 2)
    assert found.halves[1, 1] == pytest.approx(1 / math.sqrt(2))
    assert found.halves[0, 0] == pytest.approx(1)
    assert found.conflicts.tolist() == [[0, 0.5], [0.5, 0]]
    norms = [2, 3 * math.sqrt(5)]
    assert found.norm.tolist() == pytest.approx(norms)
    assert found.share.tolist() == pytest.approx([n / sum(norms) for n in norms])


def test_plain_loops() -> None:
    vectors = np.random.default_rng(0).normal(size=(7, 2, 3, 5)) + 0.3
    found = figures(products(vectors), torch.ones(3, dtype=torch.float64))

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    for i in range(3):
        for j in range(3):
            whole = [cosine(v[:, i].mean(0), v[:, j].mean(0)) for v in vectors]
            across = [cosine(v[h, i], v[1 - h, j]) for v in vectors for h in (0, 1)]
            assert found.cosine[i, j] == pytest.approx(np.mean(whole))
            assert found.deviation[i, j] == pytest.approx(np.std(whole, ddof=1), abs=1e-12)
            assert found.halves[i, j] == pytest.approx(np.mean(across))
            assert found.conflicts[i, j] == pytest.approx(np.mean(np.array(across) < 0))
    norms = np.array([[np.linalg.norm(v[:, i].mean(0)) for i in range(3)] for v in vectors])
    assert found.share.tolist() == pytest.approx((norms / norms.sum(1, keepdims=True)).mean(0))


def test_batches_without_a_task_do_not_count() -> None:
    whole = products([[[[1, 0], [1, 1]], [[1, 0], [1, 1]]]])
    lacking = whole.clone()
    lacking[:, :, 1] = lacking[:, :, :, :, 1] = torch.nan
    alone, both = (figures(p, ONES) for p in (whole, torch.cat([whole, lacking])))
    assert both.cosine[0, 1] == alone.cosine[0, 1] == pytest.approx(1 / math.sqrt(2))
    assert both.share.tolist() == alone.share.tolist()
    nothing = figures(lacking, ONES)
    assert nothing.cosine[0, 1].isnan()
    assert nothing.conflicts[0, 1].isnan()
    assert nothing.cosine[0, 0] == pytest.approx(1)
    assert nothing.share.isnan().all()


def test_a_gradient_of_zero_has_no_direction() -> None:
    found = figures(products([[[[1, 0], [0, 0]], [[1, 0], [0, 0]]]]), ONES)
    assert found.cosine[0, 1].isnan()
    assert found.halves[1, 1].isnan()
    assert found.share.tolist() == [1, 0]
