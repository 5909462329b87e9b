"""Label maps from CVAT's XML ("CVAT for images 1.1")."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.datasets.reading.files import BrokenFile, check_file
from mtlplugins.kinds import part_of_kind

from .polygons import Polygon
from .run_lengths import RunLengths
from .shape_label_map import OneFileLabelMap, broken
from .shapes import Drawing, Shape, ellipse, image_size, polygon, turned

_NO_AREA = {"polyline", "points", "skeleton", "cuboid"}


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class CvatLabelMap(OneFileLabelMap):
    """Label map from CVAT's XML for images: polygons, boxes, ellipses and masks.

    Shapes of a higher ``z_order`` lie on others, and later ones on earlier ones.

    Args:
        classes: Names of the classes.
        file: The XML file, ``annotations.xml``, below the data set's root.
        **categories: As in :class:`CategoryMap`.
    """

    def read(self, path: Path) -> dict[str, Drawing]:
        """Read the drawings by the images' names."""
        root = parse_cvat(path)
        drawings: dict[str, Drawing] = {}
        for image in root.iter("image"):
            name = image.get("name", "")
            with broken(path, f"image {name!r}"):
                if name in drawings:
                    raise ValueError("there are two of this name; take one out")
                size = image_size(image.get("height"), image.get("width"))
            found = []
            for number, element in enumerate(image):
                where = f"image {name!r}, shape {number} ({element.tag})"
                with broken(path, where):
                    if element.tag in _NO_AREA:
                        raise ValueError("it covers no area; draw a polygon, or take it out")
                    if element.tag in _AREAS:
                        label = self.label_of(element.get("label", ""))
                        part = _AREAS[element.tag](element, size)
                        order = int(element.get("z_order", 0))
                        found.append((order, Shape(label, where, [part])))
            shapes = [shape for _, shape in sorted(found, key=lambda pair: pair[0])]
            drawings[name] = Drawing(str(path), name, size, shapes)
        if not drawings:
            raise BrokenFile(
                f"{path} has no <image>, but {sorted({child.tag for child in root})}; export it as "
                "'CVAT for images 1.1'",
                str(path),
            )
        return drawings


def parse_cvat(path: Path) -> Element:
    """Parse XML without a document type, whose entities could fill the memory.

    Raises:
        BrokenFile: It has one, or is no complete XML.
    """

    def refuse(*_: Any) -> None:
        raise ValueError("it declares a document type, which CVAT does not write")

    builder, parser = TreeBuilder(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.StartDoctypeDeclHandler = refuse
    try:
        check_file(str(path))
        parser.Parse(path.read_bytes(), True)
        return builder.close()
    except (OSError, ValueError, expat.ExpatError, ParseError) as error:
        raise BrokenFile(
            f"{path} is no complete XML ({error}); export it again", str(path)
        ) from error


def _numbers(element: Element, *keys: str) -> list[float]:
    try:
        return [float(element.attrib[key]) for key in keys]
    except (KeyError, ValueError) as error:
        raise ValueError(f"its {', '.join(keys)} are not all numbers ({error})") from error


def _polygon(element: Element, size: tuple[int, int]) -> Polygon:
    pairs = [pair.split(",") for pair in element.get("points", "").split(";")]
    return polygon(pairs, size)


def _box(element: Element, size: tuple[int, int]) -> Polygon:
    left, top, right, bottom = _numbers(element, "xtl", "ytl", "xbr", "ybr")
    corners = polygon([left, top, right, top, right, bottom, left, bottom], size).points
    centre = np.array([left + right, top + bottom]) / 2
    return Polygon(turned(corners - centre, float(element.get("rotation", 0))) + centre)


def _ellipse(element: Element, size: tuple[int, int]) -> Polygon:
    x, y, across, down = _numbers(element, "cx", "cy", "rx", "ry")
    polygon([x, y], size)  # the centre is inside
    return ellipse((x, y), (across, down), float(element.get("rotation", 0)))


def _mask(element: Element, size: tuple[int, int]) -> RunLengths:
    left, top, width, height = map(int, _numbers(element, "left", "top", "width", "height"))
    try:
        counts = [int(count) for count in element.get("rle", "").split(",")]
    except ValueError as error:
        raise ValueError(f"its rle is no list of whole numbers ({error})") from error
    return RunLengths(counts, (height, width), (top, left), by_columns=False)


_AREAS: dict[str, Callable[[Element, tuple[int, int]], Polygon | RunLengths]] = {
    "polygon": _polygon,
    "box": _box,
    "ellipse": _ellipse,
    "mask": _mask,
}
