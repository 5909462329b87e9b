"""Data sets, targets, transforms and sampling."""

from . import transforms
from .cifar import MultiTaskCIFAR
from .collating import stack_images
from .draws import Draw, DrawSampler
from .image_label import ImageLabel
from .mixed import MixedDataset
from .multitask import MultiTaskDataset
from .normal_map import NormalMap
from .nyuv2 import NYUv2Dataset
from .one_task import OneTaskDataset
from .rooms import RoomsDataset
from .targets import DepthMap, LabelMap
from .taskonomy import TaskonomyDataset, TaskonomyLabelMap

__all__ = [
    "DepthMap",
    "Draw",
    "DrawSampler",
    "ImageLabel",
    "LabelMap",
    "MixedDataset",
    "MultiTaskCIFAR",
    "MultiTaskDataset",
    "NYUv2Dataset",
    "NormalMap",
    "OneTaskDataset",
    "RoomsDataset",
    "TaskonomyDataset",
    "TaskonomyLabelMap",
    "stack_images",
    "transforms",
]
