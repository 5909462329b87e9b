"""Data sets, their targets, transforms and samplers."""

from . import transforms
from .annotations import (
    ClassMasksLabelMap,
    CocoKeypointMap,
    CocoLabelMap,
    CocoPanopticLabelMap,
    CvatLabelMap,
    LabelMeLabelMap,
    VocLabelMap,
)
from .cifar import MultiTaskCIFAR
from .collate import stack_images
from .draw_sampler import Draw, DrawSampler
from .multitask import MultiTaskDataset
from .nyuv2 import NYUv2Dataset
from .pascal_mt import (
    PascalMTDataset,
    PascalMTLabelMap,
    PascalMTNormalMap,
    PascalPartMap,
)
from .rooms import RoomsDataset
from .scannet import ScanNetLabelMap
from .shards import ShardDataset
from .targets.depth_map import DepthMap
from .targets.edge_map import EdgeMap
from .targets.flow_map import FlowMap
from .targets.hidden_pixels import HiddenPixels
from .targets.image_label import ImageLabel
from .targets.image_labels import ImageLabels
from .targets.image_numbers import ImageNumbers
from .targets.jigsaw_label import JigsawLabel
from .targets.label_map import LabelMap
from .targets.mask_map import MaskMap
from .targets.normal_map import NormalMap
from .targets.ordinal_label import OrdinalLabel
from .targets.rotation_label import RotationLabel
from .targets.value_map import ValueMap
from .taskonomy import TaskonomyDataset, TaskonomyLabelMap
from .wrappers.mixed import MixedDataset
from .wrappers.one_task import OneTaskDataset

__all__ = [
    "ClassMasksLabelMap",
    "CocoKeypointMap",
    "CocoLabelMap",
    "CocoPanopticLabelMap",
    "CvatLabelMap",
    "DepthMap",
    "Draw",
    "DrawSampler",
    "EdgeMap",
    "FlowMap",
    "HiddenPixels",
    "ImageLabel",
    "ImageLabels",
    "ImageNumbers",
    "JigsawLabel",
    "LabelMap",
    "LabelMeLabelMap",
    "MaskMap",
    "MixedDataset",
    "MultiTaskCIFAR",
    "MultiTaskDataset",
    "NYUv2Dataset",
    "NormalMap",
    "OneTaskDataset",
    "OrdinalLabel",
    "PascalMTDataset",
    "PascalMTLabelMap",
    "PascalMTNormalMap",
    "PascalPartMap",
    "RoomsDataset",
    "RotationLabel",
    "ScanNetLabelMap",
    "ShardDataset",
    "TaskonomyDataset",
    "TaskonomyLabelMap",
    "ValueMap",
    "VocLabelMap",
    "stack_images",
    "transforms",
]
