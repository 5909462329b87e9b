"""Visualizer that draws every task of a sample in one panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import master_only
from mmengine.structures import BaseDataElement
from mmengine.visualization import Visualizer
from mmseg.registry import VISUALIZERS
from PIL import Image

from mtlplugins.common.private import backends_of

from .panels import draw_panel
from .trackers import guard


@VISUALIZERS.register_module()
class MultiTaskVisualizer(Visualizer):
    """MMEngine's ``Visualizer`` for samples with the tasks in ``dataset_meta["tasks"]``.

    The Runner sets ``dataset_meta``; elsewhere set ``visualizer.dataset_meta = dataset.metainfo``.
    Arguments are those of :class:`mmengine.visualization.Visualizer`. Backends of trackers cannot
    change or end a run once it has begun, see :func:`.trackers.guard`.
    """

    def __init__(self, name: str = "visualizer", *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        for backend in backends_of(self):
            guard(backend)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: BaseDataElement | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | Path | None = None,
        step: int = 0,
    ) -> np.ndarray:
        """Draw one panel, send it to every backend, and write it to a file if one is given.

        The signature is mmseg's, so that its hooks and inferencer can call this too.

        Args:
            name: Name of the panel in the backends (a file name in the local one).
            image: uint8 RGB (H, W, 3).
            data_sample: ``gt_<task>`` and ``pred_<task>`` fields; without it, only the image is
                drawn.
            draw_gt: Whether to draw the ground truth.
            draw_pred: Whether to draw the prediction.
            show: Whether to open a window.
            wait_time: Seconds to show the window; 0 to wait for a key.
            out_file: Also write the panel here; folders are created.
            step: Step in the backends.

        Returns:
            The panel, uint8 RGB (H', W', 3); None on ranks other than 0.

        Raises:
            RuntimeError: There is a sample to draw, but ``dataset_meta`` has no tasks.
            ValueError: See :func:`mtlplugins.visualization.draw_panel`.
        """
        tasks = (self.dataset_meta or {}).get("tasks", {})
        if data_sample is not None and not tasks:
            raise RuntimeError(
                "MultiTaskVisualizer does not know the tasks: set `visualizer.dataset_meta = "
                "dataset.metainfo`, which must have an entry 'tasks'."
            )
        panel = draw_panel(image, data_sample, tasks, draw_gt=draw_gt, draw_pred=draw_pred)
        self.set_image(panel)
        if show:
            self.show(panel, win_name=name, wait_time=wait_time)
        if out_file is not None:
            Path(out_file).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(panel).save(out_file)
        self.add_image(name, panel, step)
        return panel
