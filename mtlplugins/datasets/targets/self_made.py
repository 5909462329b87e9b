"""Targets that are made from the image alone: helper tasks that need no labels."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from .base import Target


class SelfMadeTarget(Target):
    """Target without files, which the transform ``MakeTargets`` makes by changing the image.

    Its default :meth:`find` gives it to every image.
    """

    @abstractmethod
    def make(self, image: np.ndarray) -> tuple[np.ndarray, Any]:
        """Change an image, and say how.

        Args:
            image: uint8 (H, W, C); it is not changed.

        Returns:
            The changed image of the same size, and the target. What is drawn comes from NumPy's
            global generator, which the data set seeds for each draw.
        """
