"""Filling of polygons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Cost of a crossing of an outline and a row, in those of a pixel.
_CROSSING = 1000
_MARGIN = 0.01  # of the longer side; tools put points up to a pixel outside


@dataclass(frozen=True, eq=False)
class Polygon:
    """Area inside of a closed outline.

    A pixel belongs to it if its centre, (column + 0.5, row + 0.5), lies inside: if a line from it
    to the left crosses the outline an odd number of times. So areas that share an edge neither
    overlap nor leave a gap, and no pixel is filled because the outline touches it.

    Args:
        points: Corners (N, 2): x to the right and y down in pixels, (0, 0) in the corner of the
            first pixel. The last is joined to the first.
    """

    points: np.ndarray

    @property
    def area(self) -> float:
        """Area of an outline that does not cross itself, in pixels."""
        x, y = self.points.astype(np.float64).T
        return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2

    @property
    def cost(self) -> float:
        """Work of painting, in pixels."""
        y = self.points[:, 1].astype(np.float64)
        return _CROSSING * float(np.abs(y - np.roll(y, -1)).sum())

    def check(self, size: tuple[int, int]) -> None:
        """Refuse points that are not in an image of (height, width).

        Raises:
            ValueError: A point is not finite, or is outside by more than 1 % of the longer side
                and a pixel.
        """
        margin = 1 + _MARGIN * max(size)
        bounds = np.array(size[::-1]) + margin
        inside = ((self.points >= -margin) & (self.points <= bounds)).all(axis=1)
        if not inside.all():
            point = self.points[~inside][0].tolist()
            raise ValueError(
                f"the point {point} is outside of the image of {size[1]} x {size[0]} pixels; "
                "correct it, or the size that the file says the image has"
            )

    def paint(self, labels: np.ndarray, label: int) -> None:
        """Set the pixels of the area in a map (H, W)."""
        start = self.points.astype(np.float64)
        end = np.roll(start, -1, axis=0)
        # from top to bottom, so that two areas compute the same numbers of an edge they share
        down = (start[:, 1] <= end[:, 1])[:, None]
        (x, y), (x_end, y_end) = np.where(down, start, end).T, np.where(down, end, start).T
        height, width = labels.shape
        first, stop = (np.ceil(v - 0.5).clip(0, height).astype(np.int64) for v in (y, y_end))
        count = stop - first
        edge = np.repeat(np.arange(len(count)), count)
        row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        with np.errstate(divide="ignore", invalid="ignore"):  # level edges cross no row
            slope = (x_end - x) / (y_end - y)
        cross = x[edge] + (row + 0.5 - y[edge]) * slope[edge]
        column = np.ceil(cross - 0.5).clip(0, width).astype(np.int64)
        order = np.lexsort((column, row))  # each row has an even number
        row, column = row[order].tolist(), column[order].tolist()
        for at, left, right in zip(row[::2], column[::2], column[1::2], strict=True):
            labels[at, left:right] = label
