"""A catalogue of careless and hostile inputs, and the expected errors."""

from .checkpoints import CHECKPOINTS
from .commands import COMMANDS
from .config_numbers import CONFIG_NUMBERS
from .config_values import CONFIG_VALUES
from .entry import BadInput
from .known_data import KNOWN_DATA
from .own_data import OWN_DATA
from .workshop import write_workshop

CATALOGUE = (*CONFIG_VALUES, *CONFIG_NUMBERS, *OWN_DATA, *KNOWN_DATA, *CHECKPOINTS, *COMMANDS)

__all__ = ["CATALOGUE", "BadInput", "write_workshop"]
