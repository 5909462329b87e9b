"""Loss balancing: how much the loss of each task counts in a training step."""

from .base import Balancing
from .fixed import Fixed
from .geometric import Geometric
from .log import Log
from .uw_so import UWSO

#: Names for ``model.balancing.type``.
METHODS = ("Fixed", "Geometric", "Log", "UWSO")

__all__ = ["METHODS", "UWSO", "Balancing", "Fixed", "Geometric", "Log"]
