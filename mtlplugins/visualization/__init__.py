"""Predictions as panels and files."""

from .drawers import Drawer, Drawing
from .multitask_visualizer import MultiTaskVisualizer
from .panels import draw_panel
from .prediction_files import Writer, prediction_file, save_predictions
from .save_predictions_hook import SavePredictionsHook
from .visualization_hook import MultiTaskVisualizationHook, picture_of

__all__ = [
    "Drawer",
    "Drawing",
    "MultiTaskVisualizationHook",
    "MultiTaskVisualizer",
    "SavePredictionsHook",
    "Writer",
    "draw_panel",
    "picture_of",
    "prediction_file",
    "save_predictions",
]
