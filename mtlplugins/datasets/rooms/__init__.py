"""Rendered indoor scenes: the renderer and the data set made of it."""

from .dataset import RoomsDataset

__all__ = ["RoomsDataset"]
