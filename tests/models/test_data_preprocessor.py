from __future__ import annotations

import pytest
import torch
from mmengine.structures import LabelData, PixelData

from mtlplugins.models import MultiTaskDataPreprocessor
from mtlplugins.structures import MultiTaskDataSample

MEAN, STD = (100.0, 110.0, 120.0), (50.0, 60.0, 70.0)


def make_preprocessor() -> MultiTaskDataPreprocessor:
    return MultiTaskDataPreprocessor(mean=MEAN, std=STD, bgr_to_rgb=True, pad_size_divisor=16)


def make_data(*sizes: tuple[int, int]) -> dict:
    inputs, samples = [], []
    for i, size in enumerate(sizes):
        inputs.append(torch.randint(0, 256, (3, *size), dtype=torch.uint8))
        sample = MultiTaskDataSample(
            metainfo=dict(
                img_path=f"{i}.png",
                ori_shape=(9, 9),
                img_shape=(1, 1),
                invalid=dict(semantic=255, depth=0, normals=0, parts=17),
            )
        )
        sample.gt_semantic = PixelData(data=torch.randint(0, 5, (1, *size)))
        sample.gt_depth = PixelData(data=torch.rand(1, *size) + 1)
        sample.gt_normals = PixelData(data=torch.rand(3, *size) - 2)
        sample.gt_scene = LabelData(label=torch.tensor([2]))
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def test_images_are_normalised_and_padded():
    data = make_data((20, 30), (33, 16))
    inputs = make_preprocessor()(data, training=True)["inputs"]
    assert inputs.shape == (2, 3, 48, 32)
    assert inputs.dtype == torch.float32
    for i, image in enumerate(data["inputs"]):
        _, height, width = image.shape
        rgb = image.flip(0).float()
        wanted = (rgb - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        torch.testing.assert_close(inputs[i, :, :height, :width], wanted)
        assert (inputs[i, :, height:] == 0).all()
        assert (inputs[i, :, :, width:] == 0).all()


def test_each_target_is_padded_with_its_own_invalid_value():
    data = make_data((20, 30), (33, 16))
    samples = make_preprocessor()(data, training=True)["data_samples"]
    for before, after in zip(data["data_samples"], samples, strict=True):
        height, width = before.gt_depth.data.shape[-2:]
        for task, invalid in dict(semantic=255, depth=0, normals=0).items():
            target, given = after.target(task).data, before.target(task).data
            assert target.shape == (len(given), 48, 32)
            assert target.dtype == given.dtype
            assert torch.equal(target[:, :height, :width], given)
            assert (target[:, height:] == invalid).all()
            assert (target[:, :, width:] == invalid).all()
        assert after.gt_scene.label.tolist() == [2]
        assert "gt_parts" not in after
        assert after.img_shape == (height, width)
        assert after.pad_shape == (48, 32)
        assert after.ori_shape == (9, 9)
    assert data["data_samples"][0].gt_depth.data.shape == (1, 20, 30)  # the data set's own


def test_evaluation_keeps_targets_as_they_are():
    data = make_data((20, 30))
    data["data_samples"][0].gt_depth = PixelData(data=torch.ones(1, 90, 80))  # original size
    sample = make_preprocessor()(data, training=False)["data_samples"][0]
    assert sample.gt_depth.data.shape == (1, 90, 80)
    assert sample.img_shape == (20, 30)
    assert sample.pad_shape == (32, 32)


def test_images_alone():
    data = make_preprocessor()(dict(inputs=make_data((20, 30))["inputs"]))
    assert data["inputs"].shape == (1, 3, 32, 32)
    assert data["data_samples"] is None


@pytest.mark.parametrize("size", [(20, 29), (40, 60)])
def test_a_target_of_another_size_than_its_image(size: tuple[int, int]):
    data = make_data((16, 16), (20, 30))
    data["data_samples"][1].gt_depth = PixelData(data=torch.ones(1, *size))
    message = rf"1\.png: the target of task 'depth' is \({size[0]}, {size[1]}\), the image \(20, 30"
    with pytest.raises(ValueError, match=message):
        make_preprocessor()(data, training=True)
