"""Transforms of the image and all its targets."""

from .formatting import PackMultiTask
from .geometry import MultiTaskRandomFlip, MultiTaskRandomResizedCrop, MultiTaskResize
from .loading import LoadMultiTaskImage, LoadTargets

__all__ = [
    "LoadMultiTaskImage",
    "LoadTargets",
    "MultiTaskRandomFlip",
    "MultiTaskRandomResizedCrop",
    "MultiTaskResize",
    "PackMultiTask",
]
