"""Loss balancing: how much the loss of each task counts in a training step."""

from .base import Balancing
from .fixed import Fixed

__all__ = ["Balancing", "Fixed"]
