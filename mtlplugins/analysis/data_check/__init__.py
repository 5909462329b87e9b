"""Looking at every file of a config's data before it is trained on."""

from .pictures import write_pictures
from .report import as_json, as_text
from .run import check_config
from .splits import Split, splits_of

__all__ = ["Split", "as_json", "as_text", "check_config", "splits_of", "write_pictures"]
