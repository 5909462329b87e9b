"""CIFAR-10 and CIFAR-100 from their official files."""

from .dataset import MultiTaskCIFAR
from .files import VARIANTS, Variant

__all__ = ["VARIANTS", "MultiTaskCIFAR", "Variant"]
