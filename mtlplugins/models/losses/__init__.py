"""Losses that mmseg lacks, and adapters for the losses of mmseg and mmpretrain."""

from .balanced import BalancedBCELoss
from .berhu import BerHuLoss
from .cosine import CosineDirectionLoss
from .criterion import Criterion
from .of_label_sets import label_set_criterion
from .of_labels import label_criterion
from .of_masks import mask_criterion
from .of_measures import measure_criterion

__all__ = [
    "BalancedBCELoss",
    "BerHuLoss",
    "CosineDirectionLoss",
    "Criterion",
    "label_criterion",
    "label_set_criterion",
    "mask_criterion",
    "measure_criterion",
]
