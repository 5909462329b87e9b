"""Scores of ordered classes, by hand and by the definition of the kappa."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtlplugins.evaluation import MultiTaskOrdinalMetric


def scores(truth: list[int], predicted: list[int], num_classes: int = 4) -> dict[str, float]:
    metric = MultiTaskOrdinalMetric("grade")
    classes = tuple("abcdef"[:num_classes])
    metric.dataset_meta = dict(tasks=dict(grade=dict(kind="ordinal", classes=classes)))
    for t, p in zip(truth, predicted, strict=True):
        fields = (("gt_grade", t), ("pred_grade", p))
        sample = {name: {"label": torch.tensor([value])} for name, value in fields}
        metric.process(None, [sample | {"img_path": "a.jpg"}])
    return metric.evaluate(len(truth))


def test_by_hand() -> None:
    found = scores([0, 1, 2, 3], [0, 2, 0, 3])
    assert found["grade/accuracy"] == pytest.approx(50)
    assert found["grade/within1"] == pytest.approx(75)
    assert found["grade/mae"] == pytest.approx(3 / 4)


def test_kappa_by_its_definition() -> None:
    truth, predicted = np.random.default_rng(0).integers(0, 4, (2, 40))
    observed = np.mean((truth - predicted) ** 2)
    expected = np.mean((truth[:, None] - predicted[None]) ** 2)  # of independent pairs
    found = scores(truth.tolist(), predicted.tolist())
    assert found["grade/kappa"] == pytest.approx(1 - observed / expected)
    assert scores([1, 1], [1, 1])["grade/kappa"] == 1
    assert scores([0, 3], [0, 3])["grade/kappa"] == pytest.approx(1)


def test_a_label_outside_the_classes_is_named() -> None:
    with pytest.raises(ValueError, match=r"image a\.jpg: the label \[4\] of the prediction must"):
        scores([0], [4])
