from __future__ import annotations

import pytest
import torch
from mmengine.structures import LabelData
from torch import nn
from torch.nn import functional as F

from mtlplugins.models.heads import ClassificationHead


def as_targets(*labels: int) -> list[LabelData]:
    return [LabelData(label=torch.tensor([label])) for label in labels]


def test_cross_entropy_and_accuracy():
    head = ClassificationHead(4, 3)
    logits = torch.tensor([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 4.0], [0.0, 1.0, 0.0]])
    out = head.loss(logits, as_targets(1, 0, 1, 2))
    torch.testing.assert_close(out["loss"], F.cross_entropy(logits, torch.tensor([1, 0, 1, 2])))
    assert out["acc"].item() == 50
    assert set(out) == {"loss", "acc"}


@pytest.mark.parametrize("label", [3, -1, 255, -100])
def test_wrong_label(label: int):
    with pytest.raises(ValueError, match=rf"labels \[.*{label}.*\].*num_classes=3"):
        ClassificationHead(4, 3).loss(torch.randn(2, 3), as_targets(1, label))


def test_prediction():
    prediction = ClassificationHead(4, 3).predict(torch.tensor([1.0, 3.0, 2.0]))
    assert prediction.label.tolist() == [1]
    assert prediction.label.dtype == torch.int64
    weights = torch.tensor([1.0, 3.0, 2.0]).exp()
    torch.testing.assert_close(prediction.score, weights / weights.sum())


def test_reads_the_mean_of_the_last_map():
    head = ClassificationHead(4, 3)
    last = torch.randn(2, 4, 5, 6)
    wanted = last.mean(dim=(2, 3)) @ head.mlp[0].weight.T + head.mlp[0].bias
    torch.testing.assert_close(head([torch.randn(2, 2, 9, 9), last]), wanted)


def test_hidden_layers():
    head = ClassificationHead(4, 3, hidden=(8, 6), dropout=0.25)
    kinds = [type(layer) for layer in head.mlp]
    assert kinds == [nn.Linear, nn.ReLU, nn.Dropout] * 2 + [nn.Linear]
    assert [(m.in_features, m.out_features) for m in head.mlp[::3]] == [(4, 8), (8, 6), (6, 3)]
    assert [m.p for m in head.mlp[2::3]] == [0.25, 0.25]


def test_reads_a_vector_as_it_is():
    head = ClassificationHead(4, 3)
    vector = torch.randn(2, 4)
    wanted = vector @ head.mlp[0].weight.T + head.mlp[0].bias
    torch.testing.assert_close(head([torch.randn(2, 2, 9, 9), vector]), wanted)


def test_tokens_are_neither():
    with pytest.raises(ValueError, match=r"got \(2, 9, 4\), not maps .*LinearNeck"):
        ClassificationHead(4, 3)([torch.randn(2, 9, 4)])


def test_starts_as_it_is_told():
    head = ClassificationHead(
        400, 3, init_cfg=dict(type="Xavier", distribution="uniform", layer="Linear")
    )
    head.init_weights()
    limit = (6 / 403) ** 0.5
    assert 0.95 * limit < head.mlp[0].weight.abs().max() <= limit
