"""Targets: what an image may be labelled with, read from files."""

from .base import DepthMap, LabelMap, Target
from .image_label import ImageLabel
from .normal_map import NormalMap

__all__ = ["DepthMap", "ImageLabel", "LabelMap", "NormalMap", "Target"]
