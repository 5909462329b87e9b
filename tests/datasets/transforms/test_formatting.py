from __future__ import annotations

import numpy as np
import torch

from mtlplugins.datasets import DepthMap, ImageLabel, LabelMap, NormalMap
from mtlplugins.datasets.transforms import MultiTaskRandomFlip, PackMultiTask
from mtlplugins.structures import MultiTaskDataSample

TYPES = dict(
    parts=LabelMap(["sky", "sea"], ignore_index=9),
    depth=DepthMap(),
    facing=NormalMap(),
    scene=ImageLabel(classes=["hall", "bath"]),
)


def item() -> dict:
    return dict(
        img=np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3),
        img_path="a.jpg",
        ori_shape=(4, 6),
        img_shape=(2, 3),
        sample_idx=7,
        target_types=TYPES,
        gt_parts=np.array([[0, 1, 9], [1, 1, 0]], np.int32),
        gt_depth=np.array([[0, 1.5, 2], [3, 4, 5]], np.float32),
        gt_facing=np.tile(np.array([0.6, 0, -0.8], np.float32), (2, 3, 1)),
        gt_scene=1,
        seg_fields=["gt_parts", "gt_depth", "gt_facing"],
    )


def test_everything_is_packed_channels_first() -> None:
    packed = PackMultiTask()(item())
    assert sorted(packed) == ["data_samples", "inputs"]
    assert packed["inputs"].dtype == torch.uint8
    assert packed["inputs"].shape == (3, 2, 3)
    assert packed["inputs"][:, 1, 2].tolist() == [15, 16, 17]
    sample = packed["data_samples"]
    assert type(sample) is MultiTaskDataSample
    assert sample.gt_parts.data.tolist() == [[[0, 1, 9], [1, 1, 0]]]
    assert sample.gt_depth.data.tolist() == [[[0, 1.5, 2], [3, 4, 5]]]
    assert torch.equal(sample.gt_facing.data[:, 1, 1], torch.tensor([0.6, 0, -0.8]))
    assert sample.gt_scene.label.tolist() == [1]
    kinds = [sample.gt_parts.data.dtype, sample.gt_depth.data.dtype, sample.gt_facing.data.dtype]
    assert kinds == [torch.int64, torch.float32, torch.float32]


def test_metainfo_says_where_from_and_how_to_pad() -> None:
    sample = PackMultiTask()(item())["data_samples"]
    assert sample.metainfo == dict(
        img_path="a.jpg",
        ori_shape=(4, 6),
        img_shape=(2, 3),
        sample_idx=7,
        invalid=dict(parts=9, depth=0.0, facing=0.0),
    )


def test_a_missing_target_stays_missing() -> None:
    results = item()
    del results["gt_depth"], results["gt_scene"]
    sample = PackMultiTask()(results)["data_samples"]
    assert sorted(sample.keys()) == ["gt_facing", "gt_parts"]
    assert sample.target("depth") is None
    assert sample.target("scene") is None


def test_an_image_alone_can_be_packed() -> None:
    packed = PackMultiTask()(dict(img=np.zeros((2, 3, 3), np.uint8)))
    assert packed["inputs"].shape == (3, 2, 3)
    assert list(packed["data_samples"].keys()) == []


def test_packed_arrays_own_their_order() -> None:
    mirrored = MultiTaskRandomFlip(prob=1.0)(item())
    sample = PackMultiTask()(mirrored)["data_samples"]
    assert sample.gt_parts.data.tolist() == [[[9, 1, 0], [0, 1, 1]]]
    assert sample.gt_facing.data.is_contiguous()
    assert sample.metainfo["flip"] is True
