"""Losses that mmseg lacks."""

from .berhu import BerHuLoss
from .cosine import CosineDirectionLoss

__all__ = ["BerHuLoss", "CosineDirectionLoss"]
