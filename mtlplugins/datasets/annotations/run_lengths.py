"""Masks stored as the lengths of runs of equal pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BITS = 5  # of a number, in each character
_LONGEST = 7  # characters of a number


@dataclass(frozen=True, eq=False)
class RunLengths:
    """Mask of a rectangle, as lengths of runs: outside, inside, outside, …

    Args:
        counts: The lengths, or COCO's text of them.
        size: (height, width) of the rectangle.
        place: (top, left) of it in the image.
        by_columns: Whether pixels are counted down the columns, as COCO does, or along the rows.
    """

    counts: Sequence[int] | str
    size: tuple[int, int]
    place: tuple[int, int] = (0, 0)
    by_columns: bool = True

    @property
    def area(self) -> float:
        """Number of pixels."""
        return float(sum(self._numbers()[1::2]))

    @property
    def cost(self) -> float:
        """Work of painting, in pixels."""
        return self.size[0] * self.size[1]

    def paint(self, labels: np.ndarray, label: int) -> None:
        """Set the pixels of the mask in a map (H, W).

        Raises:
            ValueError: The lengths do not add up to the rectangle's pixels, or it is not inside of
                the map.
        """
        height, width = self.size
        top, left = self.place
        counts = self._numbers()
        if any(count < 0 for count in counts) or sum(counts) != height * width:
            raise ValueError(
                f"its {len(counts)} run lengths add up to {sum(counts)}, not to the {height} x "
                f"{width} pixels of its mask; export it again"
            )
        area = labels[max(top, 0) : top + height, max(left, 0) : left + width]
        if area.shape != (height, width):
            raise ValueError(
                f"its mask, rows {top} to {top + height - 1}, columns {left} to {left + width - 1},"
                f" is not inside of the image of {labels.shape[1]} x {labels.shape[0]} pixels"
            )
        inside = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        area[inside.reshape(width, height).T if self.by_columns else inside.reshape(area.shape)] = (
            label
        )

    def _numbers(self) -> list[int]:
        return decode(self.counts) if isinstance(self.counts, str) else list(self.counts)


def decode(text: str) -> list[int]:
    """Read COCO's text of run lengths.

    A character stands for five bits of a number, the lowest first, after subtraction of 48; bit 5
    says that more follow, bit 4 of the last is the sign. From the fourth on, a number is the
    difference to the last but one.

    Raises:
        ValueError: The text is not such.
    """
    counts: list[int] = []
    value = length = 0
    for place, character in enumerate(text):
        bits = ord(character) - 48
        if not 0 <= bits < 64 or length == _LONGEST:
            raise ValueError(f"its run-length text is wrong at character {place}; export it again")
        value |= (bits & 31) << _BITS * length
        length += 1
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << _BITS * length
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = length = 0
    if length:
        raise ValueError("its run-length text ends within a number; export it again")
    return counts
