"""What tools and users call."""

from .blind import blind_scores
from .config import load_config
from .inferencer import MultiTaskInferencer
from .mixing import conditioned_embedding, cosine_similarities, mix, mixed_embedding, sweep
from .model_stats import count_parameters, model_stats

__all__ = [
    "MultiTaskInferencer",
    "blind_scores",
    "conditioned_embedding",
    "cosine_similarities",
    "count_parameters",
    "load_config",
    "mix",
    "mixed_embedding",
    "model_stats",
    "sweep",
]
