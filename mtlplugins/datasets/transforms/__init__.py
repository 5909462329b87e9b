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
from .make_targets import MakeTargets

__all__ = [
    "LoadImageChannels",
    "LoadMultiTaskImage",
    "LoadTargets",
    "MakeTargets",
    "MultiTaskColorJitter",
    "MultiTaskRandomFlip",
    "MultiTaskRandomResizedCrop",
    "MultiTaskRandomRotate",
    "MultiTaskResize",
    "OpenMultiTaskImage",
    "PackMultiTask",
]
