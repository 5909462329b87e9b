"""Targets without labels: what they say of the changed image is true."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, TRANSFORMS

import mtlplugins  # noqa: F401
from mtlplugins.common.randomness import seeded
from mtlplugins.datasets import Draw, HiddenPixels, JigsawLabel, MultiTaskDataset, RotationLabel
from mtlplugins.evaluation import MultiTaskPixelsMetric
from mtlplugins.models import PixelsHead
from tests._data import make_nyuv2

IMAGES = dict(folder="image", suffix=".jpg")
PIPELINE = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MakeTargets"),
    dict(type="PackMultiTask"),
]


def noise(*size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def made(target, image: np.ndarray, count: int = 60):
    with seeded(0, 0):
        return [target.make(image) for _ in range(count)]


def test_rotations_are_counter_clockwise() -> None:
    image = noise(8, 8)
    found = made(RotationLabel(), image)
    assert {label for _, label in found} == {0, 1, 2, 3}
    for changed, label in found:
        expected = {
            0: image,
            1: image.transpose(1, 0, 2)[::-1],
            2: image[::-1, ::-1],
            3: image.transpose(1, 0, 2)[:, ::-1],
        }
        assert np.array_equal(changed, expected[label])
    assert RotationLabel.classes[1] == "90"


def test_rotation_of_an_oblong_image_keeps_its_size_and_its_middle() -> None:
    image = np.zeros((10, 30, 3), np.uint8)
    image[:5, 10:20] = 200  # the upper half of the middle square
    bright = {
        0: np.s_[:4, :], 1: np.s_[:, :12], 2: np.s_[6:, :], 3: np.s_[:, 18:],
    }  # fmt: skip
    for changed, label in made(RotationLabel(), image):
        assert changed.shape == image.shape
        assert changed[bright[label]].min() > 150
        assert changed.mean() == pytest.approx(100, abs=1)


@pytest.mark.parametrize("target", [RotationLabel(), JigsawLabel()])
def test_a_mirrored_image_has_the_mirrored_label(target) -> None:
    """As if the image had been mirrored first and then changed."""
    # of constant quarters, as margins are drawn
    image = np.kron(np.array([[10, 80], [150, 220]], np.uint8), np.ones((8, 8), np.uint8))
    image = np.repeat(image[..., None], 3, axis=2)
    of_mirrored = {label: changed for changed, label in made(target, image[:, ::-1], 300)}
    for changed, label in made(target, image):
        assert np.array_equal(changed[:, ::-1], of_mirrored[target.mirror(label)])


def test_the_jigsaw_s_label_names_the_quarter_at_each_place() -> None:
    image = np.kron(np.arange(4, dtype=np.uint8).reshape(2, 2) * 60, np.ones((10, 14), np.uint8))
    image = np.repeat(image[..., None], 3, axis=2)
    target = JigsawLabel()
    orders = list(permutations(range(4)))
    found = made(target, image, 300)
    assert {label for _, label in found} == set(range(24))
    for changed, label in found:
        centres = changed[[5, 5, 15, 15], [7, 21, 7, 21], 0] // 60
        assert tuple(centres) == orders[label]
        assert target.classes[label] == "".join(map(str, centres))


def test_quarters_lose_a_random_margin() -> None:
    columns = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (64, 64, 3))
    edges = {
        int(changed[10, 0, 0]) // 4
        for changed, label in made(JigsawLabel(), columns, 200)
        if JigsawLabel.classes[label][0] == "0"
    }
    # an eighth of 32 columns, four, is cut off on the left, on the right or in parts
    assert edges == {0, 1, 2, 3, 4}


def test_hidden_pixels_are_those_of_the_image() -> None:
    image = noise(20, 28)
    target = HiddenPixels(patch=8, share=0.5)
    (changed, values), *others = made(target, image, 3)
    hidden = np.isfinite(values).all(-1)
    assert np.array_equal(changed[~hidden], image[~hidden])
    assert (changed[hidden] == 127).all()
    assert np.array_equal((values[hidden] * 255).round(), image[hidden])
    assert np.isnan(values[~hidden]).all()
    patches = hidden[:16, :24].reshape(2, 8, 3, 8)  # the whole ones
    assert ((patches.all((1, 3))) | (~patches.any((1, 3)))).all()
    corners = hidden[::8, ::8]
    assert corners.sum() == 6  # half of 3 x 4 patches
    assert any(not np.array_equal(np.isfinite(v).all(-1), hidden) for _, v in others)
    assert sum(target.describe(values).values()) == hidden.sum()
    for wrong in (dict(patch=0), dict(share=0.0), dict(share=1.0)):
        with pytest.raises(ValueError, match="HiddenPixels: patch="):
            HiddenPixels(**wrong)


def helper(root: Path, target: dict) -> MultiTaskDataset:
    return MultiTaskDataset(str(root), dict(helper=target), image=IMAGES, pipeline=PIPELINE)


@pytest.mark.parametrize(
    "target",
    [dict(type="RotationLabel"), dict(type="JigsawLabel"), dict(type="HiddenPixels", patch=8)],
    ids=lambda target: target["type"],
)
def test_every_image_has_one_and_a_draw_determines_it(tmp_path: Path, target: dict) -> None:
    data = helper(make_nyuv2(tmp_path), target)
    assert len(data) == 4
    draws = [data[Draw(1, seed=5, number=n)] for n in (7, 7, *range(8, 20))]
    fields = [d["data_samples"].gt_helper.to_dict().popitem()[1] for d in draws]
    assert torch.equal(draws[0]["inputs"], draws[1]["inputs"])
    assert torch.equal(fields[0].nan_to_num(9), fields[1].nan_to_num(9))
    assert any(not torch.equal(fields[0].nan_to_num(9), f.nan_to_num(9)) for f in fields[2:])
    assert data.metainfo["tasks"]["helper"]["kind"] == data.target_types["helper"].kind


def test_other_tasks_are_not_shown_changed_images(tmp_path: Path) -> None:
    targets = dict(
        helper=dict(type="RotationLabel"),
        depth=dict(type="DepthMap", folder="depth", suffix=".png"),
    )
    data = MultiTaskDataset(str(make_nyuv2(tmp_path)), targets, image=IMAGES, pipeline=PIPELINE)
    with pytest.raises(ValueError, match="tasks helper, depth: give a helper task a data set"):
        data[0]
    with pytest.raises(ValueError, match="tasks none: give"):
        TRANSFORMS.build(dict(type="MakeTargets"))(dict(img=noise(4, 4)))


def test_the_head_learns_hidden_pixels_alone() -> None:
    torch.manual_seed(0)
    head = PixelsHead(4)
    truth = torch.full((3, 4, 4), torch.nan)
    truth[:, :2] = torch.tensor([0.2, 0.5, 0.9])[:, None, None]
    features = torch.rand(1, 4, 4, 4)
    logits = head(features)
    loss = head.loss(logits, [PixelData(data=truth)])["loss"]
    errors = (logits[0].detach() - truth).abs()[:, :2]
    assert float(loss.detach()) == pytest.approx(float(errors.mean()))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert (gradient[:, :, 2:] == 0).all()
    assert gradient[:, :, :2].abs().min() > 0
    assert head.num_targets([PixelData(data=truth)]) == 8
    assert head.predict(torch.tensor([-1.0, 0.5, 2.0])[:, None, None]).data.flatten().tolist() == [
        0, 0.5, 1,
    ]  # fmt: skip


def test_the_metric_by_hand() -> None:
    truth = torch.full((3, 1, 3), torch.nan)
    truth[:, 0, :2] = torch.tensor([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    prediction = torch.full((3, 1, 3), 0.5)
    metric = MultiTaskPixelsMetric("helper")
    sample = dict(gt_helper=dict(data=truth), pred_helper=dict(data=prediction))
    metric.process(None, [sample])
    assert metric.evaluate(1) == {"helper/mae": pytest.approx((0.5 + 0 + 0.5) / 3)}
    prediction[0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="1 predicted pixels are not finite"):
        metric.process(None, [sample])


def test_the_targets_are_found_by_their_names() -> None:
    for kind in (RotationLabel, JigsawLabel, HiddenPixels):
        assert DATASETS.get(kind.__name__) is kind
