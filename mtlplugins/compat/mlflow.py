"""MMEngine's MLflow backend with the MLflow of today."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from mmengine.visualization.vis_backend import MLflowVisBackend

from ._replace import replace_once

_SUFFIXES = (".png", ".jpg", ".jpeg")


def write_mlflow_files() -> None:
    """Let MLflow write into the work dir, and take panels, whose names have no suffix.

    Breaks: without a ``tracking_uri`` MMEngine keeps MLflow's files in the work dir, which MLflow
    refuses ("The filesystem tracking backend … is in maintenance mode") unless
    ``MLFLOW_ALLOW_FILE_STORE`` is set; images without a suffix raise "unknown file extension", and
    one of a later validation would replace the earlier one.
    Since: mlflow 3.17 and every mmengine up to 0.10.7.
    Ends: when MMEngine's default is a store that MLflow takes, and its images have suffix and step.
    """
    replace_once(MLflowVisBackend, "_init_env", _allowed)
    replace_once(MLflowVisBackend, "add_image", _as_png)


def _allowed(init: Callable[..., None]) -> Callable[..., None]:
    def _init_env(self: Any) -> None:
        if self._tracking_uri is None:
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        init(self)

    return _init_env


def _as_png(add: Callable[..., None]) -> Callable[..., None]:
    def add_image(self: Any, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """Record an image as ``<name>_<step>.png``, as MMEngine's local backend does."""
        for suffix in _SUFFIXES:
            name = name.removesuffix(suffix)
        add(self, f"{name}_{step}.png", image, step, **kwargs)

    return add_image
