"""Label maps of exports in the layout of Pascal VOC, with ``labelmap.txt``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.common.text import few
from mtlplugins.datasets.reading.files import BrokenFile, open_image, read_lines
from mtlplugins.datasets.targets.label_map import LabelMap
from mtlplugins.datasets.targets.label_values import LabelColours
from mtlplugins.datasets.targets.left_right import Pairs
from mtlplugins.kinds import part_of_kind

#: Colour of VOC's own files for pixels at the borders of objects.
_VOID = (224, 224, 192)


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class VocLabelMap(LabelMap):
    """Label map in colours, with the colours of the classes in ``labelmap.txt``.

    Files with a palette are read by its colours too. Labels of ``labelmap.txt`` that are no class,
    and VOC's (224, 224, 192), are no ground truth.

    Args:
        classes: Names of the classes.
        folder: Folder of the files, below the data set's root.
        suffix: End of their names, after the image's.
        labelmap: The list of labels, below the data set's root: a line ``name:r,g,b::`` each.
        ignore_index: Label of pixels without ground truth.
        left_right: Pairs of classes that change places in a mirrored image.
    """

    def __init__(
        self,
        classes: Sequence[str],
        folder: str = "SegmentationClass",
        suffix: str | Sequence[str] = ".png",
        *,
        labelmap: str = "labelmap.txt",
        ignore_index: int = 255,
        left_right: Pairs = (),
    ) -> None:
        super().__init__(classes, folder, suffix, ignore_index=ignore_index, left_right=left_right)
        self.labelmap = labelmap

    def find(self, root: Path, names: Sequence[str]) -> dict[str, str]:
        """Read ``labelmap.txt``, and find the existing files, by image name.

        Raises:
            ValueError: It is missing or wrong, or lacks a class.
        """
        path = Path(root) / self.labelmap
        listed = read_labelmap(path)
        if missing := [name for name in self.classes if name not in listed]:
            raise ValueError(
                f"{path} has no label {missing[0]!r}, only {few(listed, 10)}; correct the target's "
                "classes"
            )
        self.palette = [list(listed[name]) for name in self.classes]
        others = [colour for name, colour in listed.items() if name not in self.classes]
        if _VOID not in listed.values():
            others.append(_VOID)
        self._table = LabelColours(self.palette, others, self.ignore_index)
        return super().find(root, names)

    def load(self, source: str) -> np.ndarray:
        """Read the colours of a file: int32 (H, W).

        Raises:
            BrokenFile: It cannot be read, is lossy, or has an unknown colour.
        """
        try:
            with open_image(source) as image:
                if image.format == "JPEG":
                    raise ValueError("it is a JPEG, which does not keep exact colours")
                colours = np.array(image.convert("RGB"))
            return self._table.convert(colours, source)
        except Exception as error:  # decoders raise anything
            raise BrokenFile(f"{source}: cannot be read ({error})", source) from error


def read_labelmap(path: Path) -> dict[str, tuple[int, ...]]:
    """Read the RGB colours of labels, by name.

    Raises:
        ValueError: There is no such file, a line is wrong, or a name or colour occurs twice.
    """
    if not path.is_file():
        raise ValueError(f"there is no {path}, the colours of the labels: give `labelmap`")
    found: dict[str, tuple[int, ...]] = {}
    for line in read_lines(path):
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        words = rest.split(":")[0].split(",")
        numbers = [int(word) for word in words if word.strip().isdecimal()]
        if len(numbers) != 3 or len(words) != 3 or max(numbers) > 255:
            raise ValueError(f"{path}: the line {line!r} is not of the form name:red,green,blue::")
        if name in found or tuple(numbers) in found.values():
            raise ValueError(f"{path}: the name or the colour of {line!r} occurs twice")
        found[name] = tuple(numbers)
    if not found:
        raise ValueError(f"{path} lists no label")
    return found
