"""Making of targets that need no labels."""

from __future__ import annotations

from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mtlplugins.datasets.targets.base import DenseTarget
from mtlplugins.datasets.targets.self_made import SelfMadeTarget


@TRANSFORMS.register_module()
class MakeTargets(BaseTransform):
    """Make the self-made target of an image, and change the image as it asks.

    Put it after crops and colours, which would change the task. Other tasks would see an image that
    is rotated, shuffled or hidden, so a helper task gets images of its own: a data set with this
    target alone, beside the labelled one in a ``MixedDataset``.

    Raises:
        ValueError: There is no self-made target, or another target as well.
    """

    def transform(self, results: dict) -> dict:
        types = results.get("target_types", {})
        made = [task for task, target in types.items() if isinstance(target, SelfMadeTarget)]
        if len(made) != 1 or len(types) > 1:
            raise ValueError(
                f"MakeTargets: this data set has the tasks {', '.join(types) or 'none'}: give a "
                "helper task a data set of its own, targets=dict(rotation=dict(type="
                "'RotationLabel')), beside the other in a MixedDataset"
            )
        (task,) = made
        target = types[task]
        results["img"], results[f"gt_{task}"] = target.make(results["img"])
        if isinstance(target, DenseTarget):
            results.setdefault("seg_fields", []).append(f"gt_{task}")
        return results
