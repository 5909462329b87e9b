"""Prediction: what a model says about one image, as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from mmengine.structures import BaseDataElement
from PIL import Image

from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import draw_panel, save_predictions
from mtlplugins.visualization.canvas import false_colours

from .images import InputImage

_MOST_CHANNELS = 512  # of an image that is drawn


@dataclass(frozen=True)
class TaskPrediction:
    """Prediction of one task.

    Attributes:
        task: Name of the task.
        kind: Kind of its target, such as ``"segmentation"`` or ``"depth"``.
        data: A map (H, W) or (H, W, C) of the image's size: classes int64, depth float32 in metres,
            unit normals float32 (H, W, 3). None for an image-level task.
        unit: Unit of ``data``, such as ``"m"``; empty if it has none.
        classes: Names of the classes; empty if the task has none.
        label: Most probable class of an image-level task: index into ``classes``, or None.
        scores: Probability of each class of an image-level task (K,), or None.
        labels: Classes of a task with several labels per image: indices into ``classes``, or None.
        numbers: Numbers of a task that predicts some for the image (K,), in ``unit``, or None.
    """

    task: str
    kind: str
    data: np.ndarray | None = None
    unit: str = ""
    classes: tuple[str, ...] = ()
    label: int | None = None
    scores: np.ndarray | None = None
    labels: tuple[int, ...] | None = None
    numbers: np.ndarray | None = None

    @classmethod
    def of(cls, task: str, entry: Mapping[str, Any], found: BaseDataElement) -> TaskPrediction:
        """Convert the field ``pred_<task>`` of a data sample, described by ``entry``."""
        names = ("data", "label", "score", "numbers")
        data, label, scores, numbers = (found.get(name) for name in names)
        # one label per class, not the index of one of at least two
        several = label is not None and scores is not None and label.shape == scores.shape
        array = None
        if data is not None:
            array = data.cpu().numpy()
            if array.ndim == 3:  # maps are (C, H, W) in a data sample
                array = array[0] if array.shape[0] == 1 else array.transpose(1, 2, 0)
        return cls(
            task=task,
            kind=entry["kind"],
            data=array,
            unit=entry.get("unit", ""),
            classes=tuple(entry.get("classes") or ()),
            label=None if label is None or several else int(label),
            scores=None if scores is None else scores.cpu().numpy(),
            labels=tuple(label.nonzero().flatten().tolist()) if several else None,
            numbers=None if numbers is None else numbers.cpu().numpy(),
        )


@dataclass(frozen=True, repr=False, eq=False)
class Prediction(Mapping[str, TaskPrediction]):
    """Predictions of all tasks for one image: a mapping by task.

    In a notebook it shows its panel.

    Attributes:
        name: Name of the image; files are named after it.
        source: The image.
        sample: The data sample, with ``pred_<task>`` fields as tensors.
        described: ``dataset_meta["tasks"]``: kinds, classes and colours.
    """

    name: str
    source: InputImage
    sample: MultiTaskDataSample
    described: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def __getitem__(self, task: str) -> TaskPrediction:
        found = self.sample.get(f"pred_{task}")
        if found is None:
            raise KeyError(f"task {task!r} was not predicted; predicted: {', '.join(self)}")
        return TaskPrediction.of(task, self.described[task], found)

    def __iter__(self) -> Iterator[str]:
        return (task for task in self.described if f"pred_{task}" in self.sample)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Prediction({self.name!r}: {', '.join(self)})"

    @cached_property
    def image(self) -> np.ndarray:
        """The image, RGB uint8 (H, W, 3)."""
        if self.source.pixels is not None:
            return self.source.pixels[..., ::-1]
        if str(self.source.path).endswith(".npy"):
            channels = read_array(str(self.source.path), channels=_MOST_CHANNELS)
            return false_colours(np.atleast_3d(channels))
        return mmcv.imread(str(self.source.path), channel_order="rgb")

    def panel(self) -> np.ndarray:
        """Draw the image and the predictions of all tasks: RGB uint8 (H', W', 3)."""
        described = {task: self.described[task] for task in self}
        return draw_panel(np.ascontiguousarray(self.image), self.sample, described, draw_gt=False)

    def save(self, out: str | Path) -> None:
        """Write the panel to ``out/<name>.png`` and each prediction below ``out/<task>/``.

        Files of predictions are those of :func:`mtlplugins.visualization.save_predictions`.
        """
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(self.panel()).save(folder / f"{self.name}.png", "PNG")
        save_predictions(self.sample, dict(self.described), folder, self.name)

    def _repr_png_(self) -> bytes:
        written = BytesIO()
        Image.fromarray(self.panel()).save(written, "PNG")
        return written.getvalue()
