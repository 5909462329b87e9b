"""Python API: training, test, prediction, inferencer, model statistics, task embeddings."""

from mtlplugins.analysis import (
    blind_scores,
    conditioned_embedding,
    cosine_similarities,
    count_parameters,
    mix,
    mixed_embedding,
    model_stats,
    sweep,
)
from mtlplugins.config.load import load_config

from .exported import ExportedModel
from .inferencer import MultiTaskInferencer
from .predict import predict
from .prediction import Prediction, TaskPrediction
from .test import test
from .train import train

__all__ = [
    "ExportedModel",
    "MultiTaskInferencer",
    "Prediction",
    "TaskPrediction",
    "blind_scores",
    "conditioned_embedding",
    "cosine_similarities",
    "count_parameters",
    "load_config",
    "mix",
    "mixed_embedding",
    "model_stats",
    "predict",
    "sweep",
    "test",
    "train",
]
