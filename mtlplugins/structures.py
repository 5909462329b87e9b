"""Data structure that data sets, models, metrics and visualization share: one image, by task."""

from __future__ import annotations

from mmengine.structures import BaseDataElement, LabelData, PixelData
from mmseg.structures import SegDataSample
from torch import Tensor


class MultiTaskDataSample(SegDataSample):
    """Ground truth and predictions of one image, by task.

    The target of task ``t`` is the field ``gt_<t>``, its prediction ``pred_<t>``. A missing field
    means that the image has no such target, or that the task was not predicted.

    - Dense tasks: ``PixelData`` whose ``data`` is (C, H, W). Segmentation: int64 (1, H, W). Depth:
      float32 (1, H, W) in metres, 0 where missing. Normals: float32 (3, H, W), unit length, in the
      camera frame (x right, y down, z forward), the zero vector where missing.
    - Image-level tasks: ``LabelData`` with ``label``, int64 (1,); predictions also with ``score``,
      the probabilities, float32 (num_classes,). With several labels per image, ``label`` is int64
      (num_classes,) of 0 and 1. With numbers, ``numbers`` is float32 (K,).

    ``metainfo`` has ``img_path``, ``ori_shape`` and ``img_shape`` as (H, W), and ``invalid``: for
    each dense target, the value that marks pixels without ground truth and pads the target.
    """

    def target(self, task: str) -> PixelData | LabelData | None:
        """Return the target of a task, or None if this image has none."""
        return self.get(f"gt_{task}")


def data_of(element: BaseDataElement) -> Tensor:
    """Return the map (C, H, W) of a dense target or prediction."""
    return element.data  # ty: ignore[missing-attribute]: MMEngine declares no field


def label_of(element: BaseDataElement) -> Tensor:
    """Return the class (1,) of an image-level target or prediction."""
    return element.label  # ty: ignore[missing-attribute]: MMEngine declares no field


def numbers_of(element: BaseDataElement) -> Tensor:
    """Return the numbers (K,) of an image-level target or prediction."""
    return element.numbers  # ty: ignore[missing-attribute]: MMEngine declares no field
