"""Label maps from COCO JSON of instances."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from mmseg.registry import DATASETS

from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.kinds import part_of_kind

from .json_file import field, read_json, records
from .polygons import Polygon
from .run_lengths import RunLengths
from .shape_label_map import OneFileLabelMap, broken
from .shapes import Drawing, Shape, image_size, polygon

T = TypeVar("T")
Sizes = dict[int | str, tuple[str, tuple[int, int]]]


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class CocoLabelMap(OneFileLabelMap):
    """Label map from COCO's JSON of instances: polygons and run lengths of both forms.

    Images of the file without annotations are background. Where annotations overlap, smaller ones
    lie on larger ones.

    Args:
        classes: Names of the classes.
        file: The JSON file, below the data set's root.
        **categories: As in :class:`CategoryMap`.
    """

    def read(self, path: Path) -> dict[str, Drawing]:
        """Read the drawings by ``file_name``."""
        content = read_json(path)
        names = read_categories(content, path)
        images = read_images(content, path)
        shapes: dict[Any, list[Shape]] = {key: [] for key in images}
        with broken(path, "the file"):
            annotations = list(records(content, "annotations"))
        for number, annotation in enumerate(annotations):
            where = f"annotation {annotation.get('id', f'number {number}')}"
            with broken(path, where):
                _, size = known(annotation, "image_id", images)
                label = self.label_of(known(annotation, "category_id", names))
                shape = Shape(label, where, _parts(annotation, size))
                shapes[annotation["image_id"]].append(shape)
        return {
            name: Drawing(str(path), name, size, tuple(shapes[key]), largest_first=True)
            for key, (name, size) in images.items()
        }


def _parts(annotation: dict[str, Any], size: tuple[int, int]) -> list[Polygon | RunLengths]:
    outline = annotation.get("segmentation")
    if not outline or not isinstance(outline, (dict, list)):
        raise ValueError(
            "it has no `segmentation`, and a box does not tell which pixels are the object's; take "
            "it out of the file, or draw it"
        )
    if isinstance(outline, list):
        return [polygon(points, size) for points in outline]
    stated, counts = field(outline, "size", list), field(outline, "counts", (list, str))
    if stated != list(size):
        raise ValueError(f"its mask is of the size {stated}, the image of {list(size)}")
    if isinstance(counts, list) and not all(type(count) is int for count in counts):
        raise ValueError("its run lengths are no whole numbers")
    return [RunLengths(counts, size)]


def read_categories(content: dict[str, Any], path: Path) -> dict[int | str, str]:
    """Read the names of the categories by their ids.

    Raises:
        BrokenFile: An id or a name occurs twice.
    """
    names: dict[int | str, str] = {}
    with broken(path, "the categories"):
        for record in records(content, "categories"):
            key, name = field(record, "id", (int, str)), field(record, "name", str)
            if key in names or name in names.values():
                raise ValueError(
                    f"there are two of id {key} or name {name!r}; give each its own, and both one "
                    "class with the target's `values` if they mean the same"
                )
            names[key] = name
    return names


def read_images(content: dict[str, Any], path: Path) -> Sizes:
    """Read ``file_name`` and (height, width) of the images by their ids.

    Raises:
        BrokenFile: An id or a name occurs twice, or a size is wrong.
    """
    images: Sizes = {}
    with broken(path, "the file"):
        listed = list(records(content, "images"))
    seen = set()
    for number, record in enumerate(listed):
        with broken(path, f"image {record.get('id', f'number {number}')}"):
            key, name = field(record, "id", (int, str)), field(record, "file_name", str)
            if key in images or name in seen:
                raise ValueError(f"there are two of id {key} or name {name!r}; take one out")
            seen.add(name)
            images[key] = name, image_size(record.get("height"), record.get("width"))
    if not images:
        raise BrokenFile(f"{path} lists no image", str(path))
    return images


def known(record: dict[str, Any], key: str, table: Mapping[Any, T]) -> T:
    """Look up what a record refers to.

    Raises:
        ValueError: It is not in the file.
    """
    value = field(record, key, (int, str))
    if value not in table:
        raise ValueError(f"its {key} {value!r} is not in the file; correct it, or take it out")
    return table[value]
