"""Analysis of data sets, training runs, models and task embeddings."""

from .blind import blind_scores
from .budget import Budget, module_budgets
from .complexity import count_parameters, model_stats
from .embeddings import (
    conditioned_embedding,
    cosine_similarities,
    mix,
    mixed_embedding,
    sweep,
)

__all__ = [
    "Budget",
    "blind_scores",
    "conditioned_embedding",
    "cosine_similarities",
    "count_parameters",
    "mix",
    "mixed_embedding",
    "model_stats",
    "module_budgets",
    "sweep",
]
