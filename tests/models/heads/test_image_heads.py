"""Heads of several labels and of numbers per image, from files to a trained prediction."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import LabelData
from mmseg.registry import MODELS
from torch.nn.functional import binary_cross_entropy_with_logits

from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.models import MultiLabelHead, RegressionHead
from mtlplugins.visualization import save_predictions
from tests._data import write

init_default_scope("mmseg")  # as in a run
LOSSES = [
    dict(type="mmpretrain.AsymmetricLoss"),
    dict(type="mmpretrain.FocalLoss"),
    dict(type="mmpretrain.CrossEntropyLoss", use_sigmoid=True),
    [dict(type="CrossEntropyLoss", use_sigmoid=True), dict(type="mmpretrain.AsymmetricLoss")],
]


def labels(*rows: list[int]) -> list[LabelData]:
    return [LabelData(label=torch.tensor(row)) for row in rows]


def test_several_labels_are_decided_one_by_one():
    head = MultiLabelHead(4, 3, threshold=0.6)
    logits = torch.tensor([[2.0, 0.3, -1.0], [0.0, 1.0, 5.0]])
    targets = labels([1, 0, 0], [0, 0, 1])
    found = head.loss(logits, targets)
    wanted = torch.tensor([[1.0, 0, 0], [0, 0, 1]])
    torch.testing.assert_close(found["loss"], binary_cross_entropy_with_logits(logits, wanted))
    assert found["acc"].item() == pytest.approx(100 * 5 / 6)  # 0.73 of the second is over 0.6
    predicted = head.predict(logits[1])
    torch.testing.assert_close(predicted.score, logits[1].sigmoid())
    assert predicted.label.tolist() == [0, 1, 1]
    views = torch.stack([logits[1], -logits[1]])
    assert head.merge(views).score.tolist() == pytest.approx([0.5] * 3)


@pytest.mark.parametrize("loss", [{}, dict(loss=LOSSES[2])])
def test_a_single_class_is_there_or_not(loss: dict):
    logits, wanted = torch.tensor([[2.0], [0.3]]), torch.tensor([[1.0], [0.0]])
    found = MultiLabelHead(4, 1, **loss).loss(logits, labels([1], [0]))["loss"]
    torch.testing.assert_close(found, binary_cross_entropy_with_logits(logits, wanted))


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_losses_of_several_labels_fall(loss):
    head = MultiLabelHead(4, 3, loss=loss)
    logits = torch.zeros(2, 3, requires_grad=True)
    targets = labels([1, 0, 1], [0, 1, 0])
    before = head.loss(logits, targets)["loss"]
    before.backward()
    after = head.loss(logits - logits.grad, targets)["loss"]
    assert after < before


@pytest.mark.parametrize(
    "loss",
    [
        dict(type="CrossEntropyLoss"),
        dict(type="mmpretrain.CrossEntropyLoss"),
        dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1),
        dict(type="LovaszLoss", reduction="none"),
    ],
)
def test_losses_of_one_label_are_refused(loss):
    with pytest.raises(ValueError, match=r"MultiLabelHead: loss=.* does not work in this head"):
        MultiLabelHead(4, 3, loss=loss)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="targets have 2 classes, but the head has num_classes=3"):
        MultiLabelHead(4, 3).loss(torch.zeros(1, 3), labels([0, 1]))
    with pytest.raises(ValueError, match=r"threshold=1\.0"):
        MultiLabelHead(4, 3, threshold=1.0)
    with pytest.raises(ValueError, match="std=0"):
        RegressionHead(4, std=0)
    numbers = [LabelData(numbers=torch.tensor([1.0, 2.0]))]
    with pytest.raises(ValueError, match="2 numbers per image, but the head has num_outputs=1"):
        RegressionHead(4).loss(torch.zeros(1, 1), numbers)


@pytest.mark.parametrize(("criterion", "wanted"), [("L1", 5 / 4), ("L2", 9 / 4)])
@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers_are_compared_in_standard_deviations(criterion: str, wanted: float, outputs: int):
    loss = dict(type="mmpretrain.PixelReconstructionLoss", criterion=criterion)
    head = RegressionHead(4, outputs, mean=10.0, std=4.0, loss=loss)
    logits = torch.tensor([[0.0, 1.0], [0.5, -1.0]]).reshape(-1, outputs)
    # (target - 10) / 4 are 0, 2, -1.5, 1; off by 0, 1, 2, 2
    target = torch.tensor([[10.0, 18.0], [4.0, 14.0]]).reshape(-1, outputs)
    found = head.loss(logits, [LabelData(numbers=row) for row in target])["loss"]
    assert found.item() == pytest.approx(wanted)
    assert head.predict(torch.tensor([0.5] * outputs)).numbers.tolist() == [12.0] * outputs
    views = torch.tensor([[0.0] * outputs, [1.0] * outputs])
    assert head.merge(views).numbers.tolist() == [12.0] * outputs


def test_from_files_to_a_trained_prediction(tmp_path: Path):
    """Bright pictures have the label, and the number is their brightness."""
    levels = {"a": 20, "b": 90, "c": 160, "d": 230}
    for name, level in levels.items():
        write(tmp_path / f"image/{name}.png", np.full((16, 16, 3), level, np.uint8))
    tags = {name: ["bright"] * (level > 128) for name, level in levels.items()}
    (tmp_path / "tags.json").write_text(json.dumps(dict(classes=["bright"], labels=tags)))
    (tmp_path / "sizes.json").write_text(json.dumps(dict(labels=levels)))
    dataset = MultiTaskDataset(
        str(tmp_path),
        dict(
            tags=dict(type="ImageLabels", file="tags.json"),
            size=dict(type="ImageNumbers", file="sizes.json", names=("level",)),
        ),
        image=dict(folder="image", suffix=".png"),
        pipeline=[
            dict(type="LoadMultiTaskImage"),
            dict(type="LoadTargets"),
            dict(type="PackMultiTask"),
        ],
    )
    model = MODELS.build(
        dict(
            type="MultiTaskModel",
            backbone=dict(
                type="CondResNet",
                depth=18,
                base_channels=4,
                stem_channels=4,
                norm_cfg=dict(type="GN", num_groups=1),
            ),
            heads=dict(
                tags=dict(type="MultiLabelHead", in_channels=32, num_classes=1),
                size=dict(type="RegressionHead", in_channels=32, mean=125.0, std=80.0),
            ),
            data_preprocessor=dict(
                type="MultiTaskDataPreprocessor", mean=[125.0] * 3, std=[80.0] * 3
            ),
        )
    )
    model.init_weights()
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type="Adam", lr=0.01)))
    items = [dataset[i] for i in range(4)]
    batch = {key: [item[key] for item in items] for key in items[0]}
    for _ in range(40):
        model.train_step(batch, wrapper)
    with torch.no_grad():
        samples = model.eval().test_step(batch)
    for sample, (name, level) in zip(samples, levels.items(), strict=True):
        assert sample.pred_tags.label.item() == (level > 128)
        save_predictions(sample, dataset.metainfo["tasks"], tmp_path / "out", name)
    # the norms leave little of the brightness but its side of the mean: 35 at best, 70 at first
    errors = [
        abs(sample.pred_size.numbers.item() - level)
        for sample, level in zip(samples, levels.values(), strict=True)
    ]
    assert np.mean(errors) < 60
    written = json.loads((tmp_path / "out/size/d.json").read_text())
    assert written["numbers"] == {"level": samples[3].pred_size.numbers.item()}
    written = json.loads((tmp_path / "out/tags/d.json").read_text())
    assert written["labels"] == ["bright"]
    assert written["scores"] == {"bright": pytest.approx(samples[3].pred_tags.score.item())}
