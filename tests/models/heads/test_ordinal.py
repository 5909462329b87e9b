"""Ordered classes: head, target and blind predictor, by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from mmengine.structures import LabelData

from mtlplugins.datasets import OrdinalLabel
from mtlplugins.kinds import get_part
from mtlplugins.models.heads import OrdinalHead

LN3 = math.log(3)


def labels(*values: int) -> list[LabelData]:
    return [LabelData(label=torch.tensor([value])) for value in values]


def test_probabilities_are_those_of_a_chain() -> None:
    # P(> 0) = 3/4, P(> 1 | > 0) = 1/4
    scores = OrdinalHead(4, 3).postprocess(torch.tensor([[LN3, -LN3]]))
    torch.testing.assert_close(scores, torch.tensor([[1 / 4, 9 / 16, 3 / 16]]))


def test_the_prediction_is_the_median() -> None:
    # 0.4, 0.15, 0.45: the most probable class is 2, the median 1
    head = OrdinalHead(4, 3)
    found = head.predict(torch.logit(torch.tensor([0.6, 0.75])))
    torch.testing.assert_close(found.score, torch.tensor([0.4, 0.15, 0.45]))
    assert found.label.tolist() == [1]


def test_loss_counts_each_step_for_the_images_that_reach_it() -> None:
    x = torch.tensor([[LN3, 5.0], [0.0, LN3]], requires_grad=True)
    found = OrdinalHead(4, 3).loss(x, labels(0, 2))
    found["loss"].backward()
    # class 0: ln of 1 - 3/4; class 2: ln of 1/2 and of 3/4
    assert found["loss"].item() == pytest.approx((math.log(4) + math.log(2) - math.log(0.75)) / 3)
    assert x.grad[0, 1] == 0  # it says nothing of class 2 against 1
    # P = (0.25, …, 0.745) and (0.5, 0.125, 0.375): the classes 2 and 0
    assert found["mae"].item() == pytest.approx(2)


def test_bad_labels_and_classes() -> None:
    with pytest.raises(ValueError, match=r"labels \[0, 3\], but the head has num_classes=3"):
        OrdinalHead(4, 3).loss(torch.zeros(2, 2), labels(3, 0))
    with pytest.raises(ValueError, match="OrdinalHead: num_classes=1"):
        OrdinalHead(4, 1)


def test_the_target_keeps_the_order_and_refuses_others(tmp_path: Path) -> None:
    content = dict(classes=["poor", "fair", "good"], labels=dict(a="good", b="poor"))
    (tmp_path / "grades.json").write_text(json.dumps(content))
    target = OrdinalLabel("grades.json", ["poor", "fair", "good"])
    assert target.find(tmp_path, ["a", "b"]) == dict(a=2, b=0)
    assert target.meta()["kind"] == "ordinal"
    with pytest.raises(ValueError, match=r"grades\.json: 'a' has class 'good', none of poor, fair"):
        OrdinalLabel("grades.json", ["poor", "fair"]).find(tmp_path, ["a"])


def test_the_blind_predictor_says_the_median() -> None:
    fit, predict = get_part("ordinal", "blind")
    value = fit(labels(0, 2, 2, 1, 0), dict(classes=("a", "b", "c")))
    found = predict(value, None)
    assert found.label.tolist() == [1]
    torch.testing.assert_close(found.score, torch.tensor([0.4, 0.2, 0.4]))
