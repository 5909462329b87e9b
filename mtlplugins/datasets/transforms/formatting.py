"""Packing of arrays into the model's inputs and data samples."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mtlplugins.structures import MultiTaskDataSample

_META = ("img_path", "name", "ori_shape", "img_shape", "flip", "crop_box", "sample_idx")


@TRANSFORMS.register_module()
class PackMultiTask(BaseTransform):
    """Pack the image as uint8 (3, H, W) and its targets as a :class:`MultiTaskDataSample`.

    Raises:
        ValueError: A target without a source is missing, which a transform should have computed; or
            a target differs in size from the image, which was changed after loading.
    """

    def transform(self, results: dict) -> dict:
        image = _planes(results["img"])
        types = results.get("target_types", {})
        meta = {key: results[key] for key in _META if key in results}
        meta["invalid"] = {task: t.invalid for task, t in types.items() if t.dense}
        sample = MultiTaskDataSample(metainfo=meta)
        for task, target in types.items():
            if f"gt_{task}" in results:
                if target.dense:
                    _check_size(results, task)
                setattr(sample, f"gt_{task}", target.pack(results[f"gt_{task}"]))
            elif results.get("target_sources", {}).get(task, "") is None:
                raise ValueError(
                    f"pipeline: no transform before PackMultiTask made results['gt_{task}'], the "
                    f"target of task {task!r}, and {type(target).__name__} reads it from no file"
                )
        return dict(inputs=torch.from_numpy(image), data_samples=sample)


def _planes(image: np.ndarray) -> np.ndarray:
    """Copy an image (H, W, C) to (C, H, W)."""
    if image.dtype == np.uint8 and image.shape[2] == 3:
        planes = np.empty((3, *image.shape[:2]), np.uint8)
        cv2.split(image, list(planes))  # four times as fast
        return planes
    # always a copy: NumPy counts a single mirrored column as contiguous, torch does not
    return image.transpose(2, 0, 1).copy()


def _check_size(results: dict, task: str) -> None:
    image, target = results["img"].shape[:2], results[f"gt_{task}"].shape[:2]
    # in a test, an image is resized before its targets are loaded, which keep their size
    loaded = results.get("loaded_shape", results.get("ori_shape", image))
    if target != image and image != tuple(loaded[:2]):
        raise ValueError(
            f"pipeline: task {task!r}: the target of {results.get('img_path', 'an image')} has "
            f"{target[1]} x {target[0]} pixels, the image {image[1]} x {image[0]}, as a transform "
            "after LoadTargets changed only the image; it has to change results['gt_<task>'] too"
        )
