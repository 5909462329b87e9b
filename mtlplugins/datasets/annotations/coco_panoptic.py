"""Label maps from COCO's panoptic format: JSON, and a PNG per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.reading.label_names import labels_by_name
from mtlplugins.datasets.reading.listing import Listing
from mtlplugins.kinds import part_of_kind

from .coco import known, read_categories, read_images
from .json_file import field, read_json, records
from .shape_label_map import CategoryMap, broken

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .shape_label_map import CategoryArguments


@dataclass(frozen=True)
class Segments:
    """PNG of an image, and the label of each of its segments."""

    path: str
    labels: tuple[tuple[int, int], ...]  # id and label

    def __str__(self) -> str:
        return self.path


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class CocoPanopticLabelMap(CategoryMap):
    """Label map from COCO's panoptic format: the category of each segment.

    A pixel's segment is R + 256 G + 65536 B; 0 is none, of the class ``background``.

    Args:
        classes: Names of the classes.
        file: The JSON file, below the data set's root.
        folder: Folder of the PNG files, below the data set's root.
        **categories: As in :class:`CategoryMap`; pixels of no segment have no ground truth unless
            ``background`` is given.
    """

    def __init__(
        self,
        classes: Sequence[str],
        file: str,
        folder: str,
        **categories: Unpack[CategoryArguments],
    ) -> None:
        categories.setdefault("background", None)
        super().__init__(classes, **categories)
        self.file = file
        self.folder = folder

    def find(self, root: Path, names: Sequence[str]) -> dict[str, Segments]:
        """Read the file; empty if there is none. Images without a PNG have no target."""
        path = Path(root) / self.file
        if not path.is_file():
            return {}
        listing = Listing(Path(root) / self.folder)
        found = labels_by_name(self._read(path), names, path)
        return {
            name: Segments(str(listing.folder / segments.path), segments.labels)
            for name, segments in found.items()
            if segments.path in listing
        }

    def where(self, root: Path, name: str) -> str:
        """Name the file and the folder."""
        path, folder = Path(root) / self.file, Path(root) / self.folder
        missing = next((p for p in (path, folder) if not p.exists()), None)
        if missing:
            return f"{missing}, which does not exist"
        named = next(iter(self._read(path).items()), None)
        return f"{path}, or none of its files, such as {named and named[1].path!r}, is in {folder}"

    def _read(self, path: Path) -> dict[str, Segments]:
        content = read_json(path)
        names, images = read_categories(content, path), read_images(content, path)
        with broken(path, "the file"):
            annotations = list(records(content, "annotations"))
        found: dict[str, Segments] = {}
        for annotation in annotations:
            with broken(path, f"annotation of image {annotation.get('image_id')}"):
                image, _ = known(annotation, "image_id", images)
                if image in found:
                    raise ValueError("there are two of this image; take one out")
                file = field(annotation, "file_name", str)
                if ".." in Path(file).parts or Path(file).is_absolute():
                    raise ValueError(f"its file_name {file!r} leads out of the folder")
                labels = {}
                for segment in records(annotation, "segments_info"):
                    key = field(segment, "id", int)
                    if key in labels:
                        raise ValueError(f"it has the segment {key} twice")
                    labels[key] = self.label_of(known(segment, "category_id", names))
                found[image] = Segments(file, tuple(sorted(labels.items())))
        return found

    def load(self, source: Segments) -> np.ndarray:
        """Read the PNG and look up its segments: int32 (H, W).

        Raises:
            BrokenFile: It cannot be read, or has segments that the JSON does not list.
        """
        raw = read_array(source.path, lossless=True)
        if raw.ndim != 3 or raw.shape[2] < 3 or raw.dtype != np.uint8:
            raise BrokenFile(
                f"{source}: segments are colours of 8 bits, R + 256 G + 65536 B; this file has "
                f"shape {raw.shape} and type {raw.dtype}",
                source.path,
            )
        ids = raw[..., :3].astype(np.int64) @ np.array([1, 256, 65536])
        table = dict(source.labels)
        listed = np.array(sorted({0, *table}), np.int64)
        labels = np.array([table.get(key, self.empty) for key in listed.tolist()], np.int32)
        place = np.searchsorted(listed, ids).clip(max=len(listed) - 1)
        unknown = listed[place] != ids
        if unknown.any():
            row, column = np.argwhere(unknown)[0]
            raise BrokenFile(
                f"{source}: the segment {ids[row, column]} (row {row}, column {column}) is not in "
                f"{self.file}; the two are not of one export",
                source.path,
            )
        return labels[place]
