"""The one structure that data sets, models, metrics and pictures share."""

from __future__ import annotations

from mmengine.structures import LabelData, PixelData
from mmseg.structures import SegDataSample


class MultiTaskDataSample(SegDataSample):
    """Targets and predictions of one image, by task.

    The target of task ``t`` is the field ``gt_<t>``, its prediction ``pred_<t>``; a field that is
    not there means that the image has no such target, or that it was not asked for.

    - Dense tasks: ``PixelData`` whose ``data`` is (C, H, W). Segmentation: int64 (1, H, W). Depth:
      float32 (1, H, W) in metres, 0 where missing. Normals: float32 (3, H, W), unit length, in the
      camera frame (x right, y down, z forward), the zero vector where missing.
    - Image-level tasks: ``LabelData`` with ``label``, int64 (1,); predictions also with ``score``,
      the probabilities, float32 (num_classes,).

    ``metainfo`` has ``img_path``, ``ori_shape`` and ``img_shape`` as (H, W), and ``invalid``: the
    value that pads each dense target.
    """

    def target(self, task: str) -> PixelData | LabelData | None:
        """Give the target of a task, None if this image has none."""
        return self.get(f"gt_{task}")
