"""Transforms of the image and all its targets."""

from .channels import LoadImageChannels
from .colour import MultiTaskColorJitter
from .formatting import PackMultiTask
from .geometry import (
    MultiTaskRandomFlip,
    MultiTaskRandomResizedCrop,
    MultiTaskRandomRotate,
    MultiTaskResize,
)
from .loading import LoadMultiTaskImage, LoadTargets, OpenMultiTaskImage

__all__ = [
    "LoadImageChannels",
    "LoadMultiTaskImage",
    "LoadTargets",
    "MultiTaskColorJitter",
    "MultiTaskRandomFlip",
    "MultiTaskRandomResizedCrop",
    "MultiTaskRandomRotate",
    "MultiTaskResize",
    "OpenMultiTaskImage",
    "PackMultiTask",
]
