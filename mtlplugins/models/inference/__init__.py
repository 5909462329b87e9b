"""Deployment: folding conditioning into plain weights, and the exportable model."""

from .deployed import DeployedModel
from .folding import fold

__all__ = ["DeployedModel", "fold"]
