"""Predictions as pictures and files."""

from mtlplugins.visualization.drawers import DRAWERS
from mtlplugins.visualization.multitask_visualizer import MultiTaskVisualizer
from mtlplugins.visualization.panels import draw_panel
from mtlplugins.visualization.prediction_files import WRITERS, save_predictions
from mtlplugins.visualization.save_predictions_hook import SavePredictionsHook
from mtlplugins.visualization.visualization_hook import MultiTaskVisualizationHook, picture_of

__all__ = [
    "DRAWERS",
    "WRITERS",
    "MultiTaskVisualizationHook",
    "MultiTaskVisualizer",
    "SavePredictionsHook",
    "draw_panel",
    "picture_of",
    "save_predictions",
]
