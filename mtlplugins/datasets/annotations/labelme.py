"""Label maps from LabelMe's JSON, a file per image."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mmseg.registry import DATASETS
from PIL import Image

from mtlplugins.datasets.reading.files import FORMATS, check_pixels
from mtlplugins.datasets.targets.map_file import FilePerImage
from mtlplugins.kinds import part_of_kind

from .json_file import field, read_json, records
from .polygons import Polygon
from .run_lengths import RunLengths
from .shape_label_map import ShapeLabelMap, broken
from .shapes import Drawing, Shape, ellipse, image_size, polygon

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .shape_label_map import CategoryArguments


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class LabelMeLabelMap(ShapeLabelMap, FilePerImage):
    """Label map from LabelMe's JSON: polygons, rectangles, circles and masks.

    Later shapes lie on earlier ones.

    Args:
        classes: Names of the classes.
        folder: Folder of the JSON files, below the data set's root.
        suffix: End of their names, after the image's.
        **categories: As in :class:`CategoryMap`.
    """

    def __init__(
        self,
        classes: Sequence[str],
        folder: str = "",
        suffix: str | Sequence[str] = ".json",
        **categories: Unpack[CategoryArguments],
    ) -> None:
        ShapeLabelMap.__init__(self, classes, **categories)
        FilePerImage.__init__(self, folder, suffix)

    def load(self, source: str) -> np.ndarray:
        """Read and paint a file: int32 (H, W).

        Raises:
            BrokenFile: It cannot be read, or has a broken shape or an unknown label.
        """
        return self.painted(self._read(source))

    def _read(self, path: str) -> Drawing:
        content = read_json(path)
        with broken(path, "the file"):
            size = image_size(content.get("imageHeight"), content.get("imageWidth"))
            listed = list(records(content, "shapes"))
        shapes = []
        for number, shape in enumerate(listed):
            where = f"shapes[{number}]"
            with broken(path, where):
                label = self.label_of(field(shape, "label", str))
                shapes.append(Shape(label, where, [_area(shape, size)]))
        return Drawing(path, Path(path).stem, size, shapes)


def _area(shape: dict[str, Any], size: tuple[int, int]) -> Polygon | RunLengths:
    outline = polygon(field(shape, "points", list), size)
    points, kind = outline.points, shape.get("shape_type", "polygon")
    if kind == "polygon":
        return outline
    if kind not in ("rectangle", "circle", "mask"):
        raise ValueError(
            f"it is a {kind}, which covers no area; draw a polygon, or take it out of the file"
        )
    if len(points) != 2:
        raise ValueError(f"it is a {kind} of {len(points)} points, not of two")
    (left, top), (right, bottom) = points.tolist()
    if kind == "rectangle":
        return polygon([left, top, right, top, right, bottom, left, bottom], size)
    if kind == "circle":  # centre, and a point on it
        radius = float(np.hypot(right - left, bottom - top))
        corners = ellipse((left, top), (radius, radius)).points
        return Polygon(corners)  # may lead over the border
    return _mask(field(shape, "mask", str), (round(top), round(left)))


def _mask(text: str, place: tuple[int, int]) -> RunLengths:
    """Read a PNG in base64, of the rectangle at (top, left)."""
    try:
        with Image.open(BytesIO(base64.b64decode(text)), formats=FORMATS) as image:
            check_pixels(*image.size)
            inside = np.array(image.convert("L")) > 0
    except Exception as error:  # decoders raise anything
        raise ValueError(f"its mask is no image in base64 ({error}); save it again") from error
    flat = np.concatenate([[False], inside.ravel(), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(changes, prepend=0, append=inside.size).tolist()
    return RunLengths(counts, inside.shape, place, by_columns=False)
