from mtlplugins.visualization.drawers import DRAWERS
from mtlplugins.visualization.multitask_visualizer import MultiTaskVisualizer
from mtlplugins.visualization.panels import draw_panel
from mtlplugins.visualization.visualization_hook import MultiTaskVisualizationHook

__all__ = ["DRAWERS", "MultiTaskVisualizationHook", "MultiTaskVisualizer", "draw_panel"]
