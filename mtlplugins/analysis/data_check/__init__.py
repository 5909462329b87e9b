"""Data check: reads every file of a config's data sets before training."""

from .report import as_json, as_text
from .run import check_config
from .splits import Split, splits_of
from .worst_images import write_worst_images

__all__ = ["Split", "as_json", "as_text", "check_config", "splits_of", "write_worst_images"]
