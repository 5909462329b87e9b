"""Hook that draws panels during validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.registry import HOOKS

from .canvas import false_colours


@HOOKS.register_module()
class MultiTaskVisualizationHook(Hook):
    """Draw every ``interval``-th image of a validation or test, starting with the first.

    The panels are named ``<val|test>_<stem of img_path>``; repeated stems get ``-1``, ``-2``, …
    appended. In distributed runs only the images of rank 0 are drawn.

    Args:
        draw: Whether to draw at all; a config may list the hook switched off.
        interval: Number of images from one drawing to the next.
        show_dir: Folder in which to write ``<name>_<iteration>.png`` as well: absolute, or relative
            to the run's log folder ``<work_dir>/<timestamp>``. None to send panels only to the
            visualizer's backends.
    """

    def __init__(
        self, *, draw: bool = False, interval: int = 50, show_dir: str | None = None
    ) -> None:
        if interval < 1:
            raise ValueError(f"MultiTaskVisualizationHook: interval must be >= 1, got {interval}")
        self.draw = draw
        self.interval = interval
        self.show_dir = show_dir
        self._restart()

    def _restart(self) -> None:
        self._seen = 0
        self._names: set[str] = set()

    def _before_epoch(self, runner: Runner, mode: str = "train") -> None:
        """Restart counting; MMEngine calls it at the start of any epoch."""
        self._restart()

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = (),
        mode: str = "",
    ) -> None:
        """Draw the images that are due; MMEngine calls it after any iteration."""
        if not self.draw or mode not in ("val", "test"):
            return
        for position, sample in enumerate(outputs):
            if self._seen % self.interval == 0:
                name = self._unique_name(f"{mode}_{Path(sample.get('img_path', 'image')).stem}")
                out_file = None
                if self.show_dir is not None:
                    out_file = Path(runner.log_dir, self.show_dir, f"{name}_{runner.iter}.png")
                runner.visualizer.add_datasample(
                    name,
                    image_of(sample, data_batch["inputs"][position]),
                    data_sample=sample,
                    out_file=out_file,
                    step=runner.iter,
                )
            self._seen += 1

    def _unique_name(self, name: str) -> str:
        unique, repeats = name, 0
        while unique in self._names:
            repeats += 1
            unique = f"{name}-{repeats}"
        self._names.add(unique)
        return unique


def image_of(sample: BaseDataElement, model_input: torch.Tensor) -> np.ndarray:
    """Return the image of a sample as uint8 RGB (H, W, 3): its file, or else the model's input.

    The inputs of a batch are those of the data loader, BGR (3, H, W) before normalisation, as
    MMEngine's preprocessors work on a copy. They are resized to the image's shape when loaded,
    which is that of the maps.

    Images of other than three channels are drawn by the first three, or the first, scaled to their
    range.

    Raises:
        TypeError: There is no file and the input is not uint8, so its colours cannot be known.
    """
    path = sample.get("img_path")
    if len(model_input) != 3:
        image = false_colours(model_input.permute(1, 2, 0).cpu().numpy())
        height, width = sample.get("ori_shape", image.shape[:2])
        return cv2.resize(image, (width, height))
    if path is not None and Path(path).is_file():
        # rotated as its EXIF data say, as by the loading transforms
        return mmcv.imread(path, channel_order="rgb")
    if model_input.dtype != torch.uint8:
        raise TypeError(
            f"cannot draw image {path}: it is not a file, and the batch's input is "
            f"{model_input.dtype} and not uint8; let the pipeline leave the normalisation to the "
            "data preprocessor"
        )
    image = np.ascontiguousarray(model_input.flip(0).permute(1, 2, 0).cpu().numpy())
    height, width = sample.get("ori_shape", image.shape[:2])
    return cv2.resize(image, (width, height))
