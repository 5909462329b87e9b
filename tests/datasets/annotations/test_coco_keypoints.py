"""Heat maps of points, their head and their scores, by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mtlplugins.datasets import CocoKeypointMap
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.evaluation import MultiTaskKeypointsMetric
from mtlplugins.models.heads import KeypointsHead

NAN = float("nan")


def content(*points: list[Any]) -> dict[str, Any]:
    """One image of 6 x 8 pixels, an object for each list of points."""
    return dict(
        images=[dict(id=7, file_name="a.png", height=6, width=8)],
        categories=[dict(id=1, name="person", keypoints=["left", "right"]), dict(id=2, name="dog")],
        annotations=[
            dict(id=n, image_id=7, category_id=1, keypoints=p) for n, p in enumerate(points)
        ],
    )


def heat_of(tmp_path: Path, made: dict, **options: Any) -> tuple[CocoKeypointMap, np.ndarray]:
    (tmp_path / "points.json").write_text(json.dumps(made))
    target = CocoKeypointMap("points.json", sigma=2, **options)
    return target, target.load(target.find(tmp_path, ["a"])["a"])


def test_heat_falls_with_the_distance_to_the_nearest_point(tmp_path: Path) -> None:
    target, heat = heat_of(tmp_path, content([1, 2, 2, 5, 5, 1], [7, 2, 2, 0, 0, 1]))
    assert heat.shape == (6, 8, 2)
    assert heat[2, 1, 0] == heat[2, 7, 0] == heat[5, 5, 1] == heat[0, 0, 1] == 1
    assert heat[2, 3, 0] == pytest.approx(math.exp(-(2**2) / 8))
    assert heat[4, 2, 0] == pytest.approx(math.exp(-(1 + 4) / 8))
    assert target.meta()["names"] == ("left", "right")
    assert target.pack(heat).data.shape == (2, 6, 8)
    assert not target.mirrors


def test_unlabelled_and_absent_points(tmp_path: Path) -> None:
    _, heat = heat_of(tmp_path, content([1, 2, 2, 0, 0, 0]))
    assert np.isnan(heat[..., 1]).all()
    _, heat = heat_of(tmp_path, content())
    assert (heat == 0).all()


def test_left_and_right_change_places(tmp_path: Path) -> None:
    target, heat = heat_of(tmp_path, content([1, 2, 2, 5, 5, 1]), left_right=[("left", "right")])
    assert target.mirrors
    np.testing.assert_array_equal(target.mirror(heat), heat[..., ::-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(categories=[dict(id=1, name="dog")]), "the categories: 0 of them have `keypoints`"),
        (
            dict(annotations=[dict(id=3, image_id=7, category_id=1, keypoints=[1, 2, 2])]),
            "annotation 3: its `keypoints` are 3 values, expected three numbers .* of the 2 points",
        ),
        (
            dict(annotations=[dict(id=3, image_id=9, category_id=1, keypoints=[1] * 6)]),
            "annotation 3: its image_id 9 is not in the file",
        ),
        (
            dict(annotations=[dict(id=3, image_id=7, category_id=1, keypoints=["x"] * 6)]),
            "annotation 3: its `keypoints` are 6 values, expected three numbers",
        ),
    ],
)
def test_broken_files_are_named(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(BrokenFile, match=rf"points\.json: {message}"):
        heat_of(tmp_path, content() | change)


def test_bad_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="CocoKeypointMap: sigma=0, give"):
        CocoKeypointMap("a.json", sigma=0)
    with pytest.raises(ValueError, match="left_right"):
        heat_of(tmp_path, content(), left_right=[("left", "tail")])


def test_the_loss_leaves_out_unlabelled_points_alone() -> None:
    truth = torch.tensor([[[1.0, 0.0]], [[NAN, NAN]]])
    x = torch.tensor([[[[0.5, 1.0]], [[9.0, 9.0]]]], requires_grad=True)
    head = KeypointsHead(4, 2)
    loss = head.loss(x, [PixelData(data=truth)])["loss"]
    loss.backward()
    assert loss.item() == pytest.approx((0.25 + 1) / 2)
    assert (x.grad[0, 1] == 0).all()
    assert head.num_targets([PixelData(data=truth)]) == 2


def scores(truth: np.ndarray, predicted: np.ndarray, **options: float) -> dict[str, float]:
    metric = MultiTaskKeypointsMetric("joints", **options)
    fields = dict(gt_joints=truth, pred_joints=predicted)
    sample = {k: {"data": torch.from_numpy(v.transpose(2, 0, 1).copy())} for k, v in fields.items()}
    metric.process(None, [sample | {"img_path": "a.png"}])
    return metric.evaluate(1)


def test_scores_by_hand(tmp_path: Path) -> None:
    # two points of the first kind, the nearer one of which is found two columns away
    _, truth = heat_of(tmp_path, content([1, 2, 2, 5, 5, 1], [7, 2, 2, 5, 5, 1]))
    found = np.zeros_like(truth)
    found[2, 3, 0] = found[5, 5, 1] = 1
    result = scores(truth, found, distance=0.1)
    assert result["joints/pck"] == pytest.approx(50)
    assert result["joints/distance"] == pytest.approx(100 * (2 / 10) / 2)  # the diagonal is 10
    assert scores(truth, found, distance=0.2)["joints/pck"] == pytest.approx(100)
    truth[..., 0] = np.nan
    assert scores(truth, found, distance=0.1)["joints/pck"] == pytest.approx(100)
    with pytest.raises(ValueError, match=r"image a\.png: the prediction is not finite everywhere"):
        scores(truth, found * np.nan)
    with pytest.raises(ValueError, match="task 'joints': distance=5: give a share"):
        MultiTaskKeypointsMetric("joints", distance=5)
