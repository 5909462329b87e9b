"""PASCAL-MT: five tasks on PASCAL-Context, as ASTMT released it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .common_arguments import CommonArguments
from .multitask import MultiTaskDataset
from .reading.arrays import read_array
from .reading.files import BrokenFile
from .targets.class_map import ClassMap
from .targets.label_map import LabelMap
from .targets.map_file import FilePerImage
from .targets.normal_map import NormalMap

if TYPE_CHECKING:
    from typing_extensions import Unpack

_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
_CONTEXT = "pascal-context/trainval"
_PERSON = 15  # class_ind of PASCAL-Part
#: Parts of a person, by the names that PASCAL-Part has for them without left and right.
_PARTS = {
    "head": ("hair", "head", "mouth", "nose", "ear", "ebrow", "eye"),
    "torso": ("neck", "torso"),
    "upper arm": ("uarm",),
    "lower arm": ("larm", "hand"),
    "upper leg": ("uleg",),
    "lower leg": ("lleg", "foot"),
}
_PART_CLASSES = ("background", *_PARTS)
#: The 170 of PASCAL-Context's 459 labels that NYU Depth V2 has too: distilled normals of others
#: come from a network that never saw them, and are left out by ASTMT.
_INDOOR = (
    3, 4, 6, 9, 10, 11, 13, 15, 17, 18, 22, 23, 29, 30, 33, 34, 36, 37, 38, 39, 41, 43, 46, 49, 50,
    51, 53, 55, 56, 59, 61, 62, 65, 66, 68, 69, 72, 73, 78, 83, 84, 85, 87, 88, 95, 96, 101, 104,
    105, 107, 111, 113, 115, 122, 124, 135, 141, 142, 143, 146, 150, 154, 157, 158, 159, 165, 172,
    174, 181, 183, 184, 191, 193, 195, 197, 199, 202, 213, 215, 216, 219, 220, 223, 225, 228, 230,
    232, 233, 238, 239, 242, 243, 246, 250, 251, 252, 255, 260, 261, 263, 269, 272, 273, 275, 281,
    283, 284, 285, 286, 287, 288, 290, 291, 292, 293, 295, 304, 307, 309, 310, 314, 315, 319, 323,
    329, 330, 331, 336, 342, 345, 349, 350, 351, 352, 355, 357, 368, 370, 371, 374, 379, 380, 383,
    384, 397, 401, 403, 405, 407, 408, 411, 412, 413, 414, 417, 419, 421, 423, 427, 429, 430, 432,
    440, 441, 442, 443, 444, 446, 454, 457,
)  # fmt: skip


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class PascalMTLabelMap(LabelMap):
    """The 21 classes of Pascal VOC, in ``semseg/VOC12`` or else ``semseg/pascal-context``."""

    def __init__(self) -> None:
        super().__init__(_CLASSES, "semseg/VOC12")
        self.others = LabelMap(_CLASSES, "semseg/pascal-context")

    def find(self, root: Path, names: Sequence[str]) -> dict[str, str]:
        """Find the files, by image name."""
        return self.others.find(root, names) | super().find(root, names)


@DATASETS.register_module()
@part_of_kind("segmentation", "target")
class PascalPartMap(ClassMap, FilePerImage):
    """Six parts of people and the background, from PASCAL-Part's ``.mat`` files (needs SciPy).

    An image without people's parts has no ground truth (255 everywhere), so that it is neither
    trained nor scored, as in ASTMT.

    Args:
        folder: Folder of the files, below the data set's root.
    """

    def __init__(self, folder: str = "human_parts") -> None:
        FilePerImage.__init__(self, folder, ".mat")
        ClassMap.__init__(self, _PART_CLASSES, palette=None, ignore_index=255, left_right=())

    def load(self, source: str) -> np.ndarray:
        """Read the parts of all people in an image, int32 (H, W).

        Raises:
            BrokenFile: The file cannot be read, or is none of PASCAL-Part.
        """
        try:
            from scipy.io import loadmat

            objects = loadmat(source, squeeze_me=True, struct_as_record=False)["anno"].objects
            return _parts_of(np.atleast_1d(objects))
        except ImportError:
            raise
        except Exception as error:  # SciPy raises anything
            raise BrokenFile(
                f"{source}: no file of PASCAL-Part ({type(error).__name__}: {error}): it has a "
                "struct anno with objects, each with class_ind, mask and parts",
                source,
            ) from error


def _parts_of(objects: np.ndarray) -> np.ndarray:
    """Draw the parts of people over each other, in the order of the file."""
    labels = np.full(np.shape(objects[0].mask), 255, np.int32)
    people = [one for one in objects if int(one.class_ind) == _PERSON and np.size(one.parts)]
    if people:
        labels[:] = 0
    for person in people:
        for part in np.atleast_1d(person.parts):
            labels[np.asarray(part.mask, bool)] = _part_class(str(part.part_name))
    return labels


def _part_class(name: str) -> int:
    """Return the class of a part, whose name may begin with l or r for left and right."""
    for index, names in enumerate(_PARTS.values(), start=1):
        if name in names or (name[1:] in names and name[0] in "lr"):
            return index
    raise ValueError(f"unknown part {name!r}")


@DATASETS.register_module()
@part_of_kind("normals", "target")
class PascalMTNormalMap(NormalMap):
    """Distilled normals, 8 bits of 127.5 n + 127.5, of the labels that NYU Depth V2 has too.

    They are a network's predictions, and made unit length whatever it is; shorter than 0.5 is
    missing.
    """

    alone = False

    def __init__(self) -> None:
        super().__init__("normals_distill", ".png", encoding="127.5")

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Normalise the vectors, and leave out those of other labels.

        Raises:
            ValueError: The image, or the label map beside it, has another type or size.
        """
        file = Path(path)
        labels = read_array(str(file.parents[1] / _CONTEXT / f"{file.stem}.mat"), array="LabelMap")
        if raw.dtype != np.uint8 or raw.shape != (*labels.shape, 3):
            raise ValueError(
                f"{path}: distilled normals are RGB of 8 bits of the size of their label map, "
                f"{labels.shape}; this file has shape {raw.shape} and type {raw.dtype}"
            )
        normals = raw.astype(np.float32) / np.float32(127.5) - 1
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        known = np.isin(labels, _INDOOR)[..., None] & (length > 0.5)
        return np.where(known, normals / np.maximum(length, 0.5), 0).astype(np.float32)


@DATASETS.register_module()
class PascalMTDataset(MultiTaskDataset):
    """PASCAL-Context with five tasks (ASTMT, Maninis et al. 2019, arXiv:1904.08918).

    Tasks: ``semantic`` (21 classes), ``parts`` (6 and the background), ``saliency`` and ``normals``
    (both distilled from networks), ``edges`` (the boundaries of PASCAL-Context's labels).

    Args:
        data_root: The unpacked folder ``PASCAL_MT``.
        ann_file: ``ImageSets/Context/train.txt`` or ``val.txt``.
        tasks: Tasks to load.
        **common: As in :class:`MultiTaskDataset`.
    """

    source = (
        "unpack PASCAL_MT.tgz, whose address the code of ASTMT "
        "(github.com/facebookresearch/astmt) has, and point to the folder PASCAL_MT with "
        "--cfg-options data_root=DIR"
    )

    def __init__(
        self,
        data_root: str,
        *,
        ann_file: str,
        tasks: Sequence[str] = ("semantic", "parts", "saliency", "normals", "edges"),
        **common: Unpack[CommonArguments],
    ) -> None:
        super().__init__(
            data_root,
            targets=dict(
                semantic=dict(type="PascalMTLabelMap"),
                parts=dict(type="PascalPartMap"),
                saliency=dict(
                    type="MaskMap",
                    folder="sal_distill",
                    threshold=0.5,
                    names=("rest", "salient"),
                ),
                normals=dict(type="PascalMTNormalMap"),
                edges=dict(
                    type="EdgeMap", folder=_CONTEXT, suffix=".mat", array="LabelMap", of_labels=True
                ),
            ),
            ann_file=ann_file,
            image=dict(folder="JPEGImages", suffix=".jpg"),
            tasks=tasks,
            **common,
        )
