"""Label maps from the files of annotation tools."""

from .class_masks import ClassMasksLabelMap
from .coco import CocoLabelMap
from .coco_keypoints import CocoKeypointMap
from .coco_panoptic import CocoPanopticLabelMap
from .cvat import CvatLabelMap
from .labelme import LabelMeLabelMap
from .voc import VocLabelMap

__all__ = [
    "ClassMasksLabelMap",
    "CocoKeypointMap",
    "CocoLabelMap",
    "CocoPanopticLabelMap",
    "CvatLabelMap",
    "LabelMeLabelMap",
    "VocLabelMap",
]
