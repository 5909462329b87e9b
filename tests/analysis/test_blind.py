from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmengine.structures import LabelData, PixelData

from mtlplugins import kinds
from mtlplugins.apis import blind_scores
from mtlplugins.evaluation import (
    MultiTaskAccuracy,
    MultiTaskDepthMetric,
    MultiTaskIoUMetric,
    MultiTaskMultiLabelMetric,
    MultiTaskNormalsMetric,
    MultiTaskRegressionMetric,
)
from mtlplugins.structures import MultiTaskDataSample

META = dict(
    tasks=dict(
        semantic=dict(kind="segmentation", classes=("a", "b", "c"), ignore_index=255),
        depth=dict(kind="depth"),
        scene=dict(kind="classification", classes=("x", "y")),
    )
)


def sample(labels: list, depth: list, scene: int) -> MultiTaskDataSample:
    made = MultiTaskDataSample()
    made.gt_semantic = PixelData(data=torch.tensor([labels]))
    made.gt_depth = PixelData(data=torch.tensor([depth]))
    made.gt_scene = LabelData(label=torch.tensor([scene]))
    return made


def test_scores_by_hand() -> None:
    train = [
        sample([[0, 1]], [[1.0, 0.0]], 1),
        sample([[0, 2]], [[2.0, 4.0]], 1),
        sample([[255, 2]], [[3.0, 0.0]], 0),
    ]
    # most frequent class per position: 0, 2; median of the valid depths: 2, 4; class: 1
    test = [sample([[0, 1]], [[2.2, 8.0]], 1), sample([[0, 2]], [[2.0, 0.0]], 0)]
    metrics = [
        MultiTaskIoUMetric("semantic"),
        MultiTaskDepthMetric("depth"),
        MultiTaskAccuracy("scene"),
    ]
    scores = blind_scores(train, test, metrics, META)
    # class 0: 2 of 2; class 1: 0 of 1; class 2: 1 of 2
    assert scores["semantic/mIoU"] == pytest.approx(100 * (1 + 0 + 0.5) / 3, abs=0.01)
    # 2.2 against 2 and 2 against 2 are within 1.25, 8 against 4 is not
    assert scores["depth/d1"] == pytest.approx(2 / 3)
    assert scores["depth/abs_err"] == pytest.approx(np.mean([0.2, 4, 0]), abs=1e-6)
    assert scores["scene/top1"] == pytest.approx(50)


def normals(*directions: list[float]) -> MultiTaskDataSample:
    made = MultiTaskDataSample()
    made.gt_normals = PixelData(data=torch.tensor(directions).T[:, None])  # (3, 1, pixels)
    return made


def test_normals_by_hand() -> None:
    left, right, ahead, missing = [-0.6, 0, -0.8], [0.6, 0, -0.8], [0.0, 0, -1], [0.0, 0, 0]
    # per position: the mean of left and right is ahead; of one direction, itself; where no training
    # image has a normal, the mean of all, which is ahead again but for one more right: see below
    train = [normals(left, right, missing), normals(right, missing, missing)]
    test = [normals(ahead, right, ahead)]
    meta = dict(tasks=dict(normals=dict(kind="normals")))
    scores = blind_scores(train, test, [MultiTaskNormalsMetric("normals")], meta)
    third = math.degrees(math.atan2(0.6, 2.4))  # between (0.6, 0, -2.4), the sum of all, and ahead
    assert scores["normals/mean"] == pytest.approx(third / 3, abs=1e-4)


def test_a_kind_without_a_baseline_is_left_out_for_a_stated_reason_only() -> None:
    meta = dict(tasks=dict(depth=dict(kind="height")))
    metric = MultiTaskDepthMetric("depth")
    metric.kind = "height"
    train = [sample([[0, 1]], [[1.0, 2.0]], 0)]
    with pytest.raises(ValueError, match="task 'depth': kind 'height' has no blind"):
        blind_scores(train, train, [metric], meta)
    kinds.leave_out("height", "blind", "heights are unknown")
    assert blind_scores(train, train, [metric], meta) == {}


def test_several_labels_and_numbers() -> None:
    """Shares of the classes 2/3, 1/3; medians 2 and 5."""
    meta = dict(
        tasks=dict(tags=dict(kind="multilabel", classes=("a", "b")), size=dict(kind="regression"))
    )
    samples = []
    for tags, size in (([1, 0], [1.0, 9.0]), ([1, 1], [2.0, 5.0]), ([0, 0], [7.0, 0.0])):
        made = MultiTaskDataSample()
        made.gt_tags = LabelData(label=torch.tensor(tags))
        made.gt_size = LabelData(numbers=torch.tensor(size))
        samples.append(made)
    metrics = [MultiTaskMultiLabelMetric("tags"), MultiTaskRegressionMetric("size")]
    scores = blind_scores(samples, samples, metrics, meta)
    assert scores["size/mae"] == pytest.approx((1 + 4 + 0 + 0 + 5 + 5) / 6)
    # the same scores for all images: a is said of all, b of none
    assert scores["tags/recall"] == pytest.approx(50)
    assert scores["tags/mAP"] == pytest.approx(100 * (2 / 3 + 1 / 3) / 2)
