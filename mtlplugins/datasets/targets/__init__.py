"""Kinds of targets: maps and labels of an image."""

from .base import DenseTarget, Target
from .class_map import ClassMap
from .depth_map import DepthMap
from .image_label import ImageLabel
from .image_labels import ImageLabels
from .image_numbers import ImageNumbers
from .image_values import ImageValues
from .label_map import LabelMap
from .map_file import FilePerImage, MapFile
from .normal_map import NormalMap

__all__ = [
    "ClassMap",
    "DenseTarget",
    "DepthMap",
    "FilePerImage",
    "ImageLabel",
    "ImageLabels",
    "ImageNumbers",
    "ImageValues",
    "LabelMap",
    "MapFile",
    "NormalMap",
    "Target",
]
