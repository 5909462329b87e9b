"""Kinds of targets: maps and labels of an image."""

from .base import DenseTarget, Target
from .class_map import ClassMap
from .depth_map import DepthMap
from .edge_map import EdgeMap
from .flow_map import FlowMap
from .hidden_pixels import HiddenPixels
from .image_label import ImageLabel
from .image_labels import ImageLabels
from .image_numbers import ImageNumbers
from .image_values import ImageValues
from .jigsaw_label import JigsawLabel
from .label_map import LabelMap
from .map_file import FilePerImage, MapFile
from .mask_map import MaskMap
from .normal_map import NormalMap
from .ordinal_label import OrdinalLabel
from .rotation_label import RotationLabel
from .self_made import SelfMadeTarget
from .value_map import ValueMap

__all__ = [
    "ClassMap",
    "DenseTarget",
    "DepthMap",
    "EdgeMap",
    "FilePerImage",
    "FlowMap",
    "HiddenPixels",
    "ImageLabel",
    "ImageLabels",
    "ImageNumbers",
    "ImageValues",
    "JigsawLabel",
    "LabelMap",
    "MapFile",
    "MaskMap",
    "NormalMap",
    "OrdinalLabel",
    "RotationLabel",
    "SelfMadeTarget",
    "Target",
    "ValueMap",
]
