"""What tools and users call."""

from .blind import blind_scores
from .config import load_config
from .inferencer import MultiTaskInferencer

__all__ = ["MultiTaskInferencer", "blind_scores", "load_config"]
