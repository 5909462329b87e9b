"""Data check: reads every file of a config's data sets before training."""

from .report import as_json, as_text
from .run import Check, check_config
from .splits import Split, splits_of
from .worst_images import draw_targets, write_worst_images

__all__ = [
    "Check",
    "Split",
    "as_json",
    "as_text",
    "check_config",
    "draw_targets",
    "splits_of",
    "write_worst_images",
]
