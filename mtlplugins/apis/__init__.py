"""What tools and users call."""

from mtlplugins.analysis.blind import blind_scores
from mtlplugins.analysis.embeddings import (
    conditioned_embedding,
    cosine_similarities,
    mix,
    mixed_embedding,
    sweep,
)
from mtlplugins.analysis.model_stats import count_parameters, model_stats
from mtlplugins.config.load import load_config

from .inferencer import MultiTaskInferencer

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
