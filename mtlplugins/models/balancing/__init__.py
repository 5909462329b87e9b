"""Loss balancing: methods that weight the losses of the tasks in a training step."""

from .base import Balancing
from .fixed import Fixed
from .geometric import Geometric
from .log import Log
from .uw_so import UWSO

#: Values of ``model.balancing.type``.
METHODS = ("Fixed", "Geometric", "Log", "UWSO")

__all__ = ["METHODS", "UWSO", "Balancing", "Fixed", "Geometric", "Log"]
