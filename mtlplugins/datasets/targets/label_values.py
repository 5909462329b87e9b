"""Values and colours in label files, and the classes they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: What a value in a file stands for: a class by name or index, or None for no ground truth.
Class = str | int | None


class LabelValues:
    """Table from the values in label files to classes.

    Args:
        values: Class of each value that may occur in a file.
        classes: Names of the classes.
        ignore_index: Label of pixels without ground truth.
        unlisted: ``"error"`` to refuse a file with another value, ``"ignore"`` to take it for no
            ground truth.

    Raises:
        ValueError: A value is no whole number or a class is unknown.
    """

    def __init__(
        self,
        values: Mapping[int, Class],
        classes: Sequence[str],
        ignore_index: int,
        unlisted: str = "error",
    ) -> None:
        if unlisted not in ("error", "ignore"):
            raise ValueError(f"LabelMap: unlisted={unlisted!r}, give 'error' or 'ignore'")
        wrong = [v for v in values if isinstance(v, bool) or not isinstance(v, int)]
        if wrong:
            raise ValueError(f"LabelMap: values has {wrong[0]!r}, give whole numbers of the files")
        self.listed = np.array(sorted(values), np.int64)
        self.labels = np.array(
            [_label(values[v], v, classes, ignore_index) for v in sorted(values)], np.int32
        )
        self.ignore_index = ignore_index
        self.refuse = unlisted == "error"

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Convert values, integers (H, W), to int32 class indices (H, W).

        Raises:
            ValueError: A value is not listed; the message names it and a pixel.
        """
        place = np.searchsorted(self.listed, raw).clip(max=len(self.listed) - 1)
        found = self.listed[place] == raw
        if self.refuse and not found.all():
            row, column = np.argwhere(~found)[0]
            raise ValueError(
                f"{path}: value {raw[row, column]} (row {row}, column {column}) is not among the "
                f"{len(self.listed)} `values` of the target; add it, as a class or None, or set "
                "unlisted='ignore'"
            )
        return np.where(found, self.labels[place], self.ignore_index).astype(np.int32)


class LabelColours:
    """Table from the colours in label files to classes.

    Args:
        palette: RGB colour of each class.
        ignore_colours: RGB colours of pixels without ground truth.
        ignore_index: Label of those pixels.

    Raises:
        ValueError: Two of the colours are the same.
    """

    def __init__(
        self,
        palette: Sequence[Sequence[int]],
        ignore_colours: Sequence[Sequence[int]],
        ignore_index: int,
    ) -> None:
        codes = _codes(np.array([*palette, *ignore_colours], np.int64))
        labels = np.array([*range(len(palette)), *[ignore_index] * len(ignore_colours)], np.int32)
        if len(np.unique(codes)) < len(codes):
            raise ValueError(
                "LabelMap: two colours of palette and ignore_colours are the same, so files in "
                "colours cannot be read; give each class its own"
            )
        order = np.argsort(codes)
        self.codes, self.labels = codes[order], labels[order]

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Convert colours, uint8 (H, W, 3 or 4), to int32 class indices (H, W).

        Raises:
            ValueError: A colour is not listed; the message names it and a pixel.
        """
        codes = _codes(raw[..., :3].astype(np.int64))
        place = np.searchsorted(self.codes, codes).clip(max=len(self.codes) - 1)
        found = self.codes[place] == codes
        if not found.all():
            row, column = np.argwhere(~found)[0]
            raise ValueError(
                f"{path}: colour {raw[row, column, :3].tolist()} (row {row}, column {column}) is "
                "that of no class; add it to the target's `palette`, or to `ignore_colours` if its "
                "pixels have no ground truth"
            )
        return self.labels[place]


def _codes(colours: np.ndarray) -> np.ndarray:
    """Make one number of each colour: int64 (..., 3) to (...)."""
    return (colours[..., 0] << 16) | (colours[..., 1] << 8) | colours[..., 2]


def _label(meaning: Any, value: int, classes: Sequence[str], ignore_index: int) -> int:
    if meaning is None:
        return ignore_index
    if isinstance(meaning, str) and meaning in classes:
        return list(classes).index(meaning)
    if isinstance(meaning, int) and 0 <= meaning < len(classes):
        return meaning
    raise ValueError(
        f"LabelMap: values[{value}]={meaning!r} is none of the classes {', '.join(classes)}; give "
        "a name, an index, or None for pixels without ground truth"
    )
