"""Losses that mmseg lacks."""

from .berhu import BerHuLoss

__all__ = ["BerHuLoss"]
