"""Data sets, targets, transforms and sampling."""

from . import transforms
from .draws import Draw, DrawSampler
from .multitask import MultiTaskDataset
from .nyuv2 import NYUv2Dataset
from .rooms import RoomsDataset
from .targets import DepthMap, ImageLabel, LabelMap, NormalMap

__all__ = [
    "DepthMap",
    "Draw",
    "DrawSampler",
    "ImageLabel",
    "LabelMap",
    "MultiTaskDataset",
    "NYUv2Dataset",
    "NormalMap",
    "RoomsDataset",
    "transforms",
]
