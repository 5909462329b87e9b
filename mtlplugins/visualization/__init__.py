"""Predictions as pictures and files."""

from mtlplugins.visualization.drawers import DRAWERS
from mtlplugins.visualization.multitask_visualizer import MultiTaskVisualizer
from mtlplugins.visualization.panels import draw_panel
from mtlplugins.visualization.prediction_files import (
    WRITERS,
    Writer,
    prediction_file,
    save_predictions,
)
from mtlplugins.visualization.save_predictions_hook import SavePredictionsHook
from mtlplugins.visualization.visualization_hook import MultiTaskVisualizationHook, picture_of

__all__ = [
    "DRAWERS",
    "WRITERS",
    "MultiTaskVisualizationHook",
    "MultiTaskVisualizer",
    "SavePredictionsHook",
    "Writer",
    "draw_panel",
    "picture_of",
    "prediction_file",
    "save_predictions",
]
