"""Visualization: panels and files of predictions."""

from . import image_drawers, mask_drawers, value_drawers  # noqa: F401, enter their drawers
from .drawers import Drawer, Drawing
from .errors import ErrorMap, ErrorMaps
from .multitask_visualizer import MultiTaskVisualizer
from .panels import draw_panel
from .prediction_files import Writer, prediction_file, save_predictions
from .save_predictions_hook import SavePredictionsHook
from .visualization_hook import MultiTaskVisualizationHook, image_of

__all__ = [
    "Drawer",
    "Drawing",
    "ErrorMap",
    "ErrorMaps",
    "MultiTaskVisualizationHook",
    "MultiTaskVisualizer",
    "SavePredictionsHook",
    "Writer",
    "draw_panel",
    "image_of",
    "prediction_file",
    "save_predictions",
]
