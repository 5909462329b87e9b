"""From arrays to what the model takes."""

from __future__ import annotations

import torch
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mtlplugins.structures import MultiTaskDataSample

_META = ("img_path", "name", "ori_shape", "img_shape", "flip", "crop_box", "sample_idx")


@TRANSFORMS.register_module()
class PackMultiTask(BaseTransform):
    """Pack the image as uint8 (3, H, W) and its targets as a :class:`MultiTaskDataSample`.

    Raises:
        ValueError: A target without a source, which a transform should have made, is not there.
    """

    def transform(self, results: dict) -> dict:
        # always a copy: what NumPy calls contiguous, one mirrored column, torch does not
        image = results["img"].transpose(2, 0, 1).copy()
        types = results.get("target_types", {})
        meta = {key: results[key] for key in _META if key in results}
        meta["invalid"] = {task: t.invalid for task, t in types.items() if t.dense}
        sample = MultiTaskDataSample(metainfo=meta)
        for task, target in types.items():
            if f"gt_{task}" in results:
                setattr(sample, f"gt_{task}", target.pack(results[f"gt_{task}"]))
            elif results.get("target_sources", {}).get(task, "") is None:
                raise ValueError(
                    f"pipeline: no transform before PackMultiTask made results['gt_{task}'], the "
                    f"target of task {task!r}, and {type(target).__name__} reads it from no file"
                )
        return dict(inputs=torch.from_numpy(image), data_samples=sample)
