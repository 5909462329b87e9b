"""Data sets made of other data sets."""

from .mixed import MixedDataset
from .one_task import OneTaskDataset

__all__ = ["MixedDataset", "OneTaskDataset"]
