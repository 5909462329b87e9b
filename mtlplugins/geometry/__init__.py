"""Geometry of images: cameras, and surface normals from depth."""

from .normals import Intrinsics, normals_from_depth

__all__ = ["Intrinsics", "normals_from_depth"]
