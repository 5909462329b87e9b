"""Data sets, targets, transforms and sampling."""

from . import transforms
from .draws import Draw, DrawSampler
from .mixed import MixedDataset
from .multitask import MultiTaskDataset
from .nyuv2 import NYUv2Dataset
from .one_task import OneTaskDataset
from .rooms import RoomsDataset
from .targets import DepthMap, ImageLabel, LabelMap, NormalMap
from .taskonomy import TaskonomyDataset, TaskonomyLabelMap

__all__ = [
    "DepthMap",
    "Draw",
    "DrawSampler",
    "ImageLabel",
    "LabelMap",
    "MixedDataset",
    "MultiTaskDataset",
    "NYUv2Dataset",
    "NormalMap",
    "OneTaskDataset",
    "RoomsDataset",
    "TaskonomyDataset",
    "TaskonomyLabelMap",
    "transforms",
]
