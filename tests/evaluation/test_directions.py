"""Every metric declares whether higher is better."""

from __future__ import annotations

import pytest
import torch

from mtlplugins.evaluation import TaskMetric


def all_metrics() -> list[type[TaskMetric]]:
    """Every metric of the package."""
    return [
        kind for kind in TaskMetric.__subclasses__() if kind.__module__.startswith("mtlplugins")
    ]


def test_there_are_metrics() -> None:
    assert len(all_metrics()) >= 3


@pytest.mark.parametrize("kind", all_metrics(), ids=lambda kind: kind.__name__)
def test_every_metric_declares_its_directions(kind: type[TaskMetric]) -> None:
    metric = kind("anything")
    assert set(metric.higher_is_better) == set(metric.names)
    assert set(map(type, metric.higher_is_better.values())) == {bool}


@pytest.mark.parametrize(
    ("name", "better", "worse"), [("d1", 1.0, 1.3), ("rmse", 1.0, 1.3), ("silog", 1.0, 1.3)]
)
def test_directions_of_depth(name: str, better: float, worse: float) -> None:
    """A prediction that is exact on one half scores better if exact on the other half, too."""
    kind = next(kind for kind in all_metrics() if kind.kind == "depth")
    scores = []
    for factor in (better, worse):
        metric = kind("depth")
        truth = torch.linspace(1, 3, 16).view(1, 4, 4)
        prediction = truth.clone()
        prediction[:, :2] *= factor
        fields = {"gt_depth": {"data": truth}, "pred_depth": {"data": prediction}}
        metric.process(None, [fields])
        scores.append(metric.evaluate(1)[f"depth/{name}"])
    assert (scores[0] > scores[1]) == kind.higher_is_better[name]
