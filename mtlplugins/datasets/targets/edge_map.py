"""Edges: lines of one pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.common.thinning import thin
from mtlplugins.kinds import part_of_kind

from .mask_map import MaskMap


@DATASETS.register_module()
@part_of_kind("edges", "target")
class EdgeMap(MaskMap):
    """Whether a pixel is on an edge: uint8 (H, W) of 0 and 1, 255 without ground truth.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names, after the image's name.
        of_labels: Whether files hold labels of any kind (of classes or objects), of which the edges
            are the boundaries: pixels with another label above, below, left or right of them,
            thinned. ``missing`` labels have boundaries to none.
        threshold: Of soft maps, see :class:`MaskMap`.
        missing: Value of pixels without ground truth in the files, or several.
        array: Name of the array in files that hold several, such as ``"LabelMap"``.

    Raises:
        ValueError: See :class:`MaskMap`; or ``threshold`` is given for labels.
    """

    default_names = ("inside", "edge")

    def __init__(
        self,
        folder: str = "",
        suffix: str | Sequence[str] = ".png",
        *,
        of_labels: bool = False,
        threshold: float | None = None,
        missing: float | Sequence[float] = (),
        array: str = "",
    ) -> None:
        super().__init__(folder, suffix, threshold=threshold, missing=missing, array=array)
        if of_labels and threshold is not None:
            raise ValueError("EdgeMap: of_labels=True reads labels, which have no threshold")
        self.of_labels = of_labels

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Convert edges, or labels (H, W), to 0, 1 and 255."""
        if not self.of_labels:
            return super().convert(raw, path)
        if raw.ndim != 2 or raw.dtype.kind not in "biu":
            raise ValueError(
                f"{path}: boundaries are those of labels, one channel of whole numbers; this file "
                f"has shape {raw.shape} and type {raw.dtype}"
            )
        absent = np.isin(raw, self.missing)
        edges = thin(boundaries(raw, ~absent))
        return np.where(absent, self.invalid, edges).astype(np.uint8)


def boundaries(labels: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Find the pixels (H, W) with a known neighbour of another label, on both sides of it."""
    found = np.zeros(labels.shape, bool)
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = (labels[here] != labels[there]) & known[here] & known[there]
        found[here] |= differ
        found[there] |= differ
    return found
