"""NYU Depth V2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmseg.registry import DATASETS

from .common_arguments import CommonArguments
from .multitask import MultiTaskDataset

if TYPE_CHECKING:
    from typing_extensions import Unpack

_CLASSES_13 = (
    "bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "picture", "sofa", "table",
    "tv", "wall", "window",
)  # fmt: skip
_CLASSES_40 = (
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf",
    "picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror",
    "floor mat", "clothes", "ceiling", "books", "refrigerator", "television", "paper", "towel",
    "shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink", "lamp",
    "bathtub", "bag", "otherstructure", "otherfurniture", "otherprop",
)  # fmt: skip

# "excercise_room" is how the data spells it.
_SCENES = (
    "basement", "bathroom", "bedroom", "bookstore", "cafe", "classroom", "computer_lab",
    "conference_room", "dinette", "dining_room", "excercise_room", "foyer", "furniture_store",
    "home_office", "home_storage", "indoor_balcony", "kitchen", "laundry_room", "living_room",
    "office", "office_kitchen", "playroom", "printer_room", "reception_room", "student_lounge",
    "study", "study_room",
)  # fmt: skip

#: The label protocols, by number of classes.
_SEMANTIC = {
    13: dict(folder="semantic13", classes=_CLASSES_13, reduce_zero_label=True),
    14: dict(folder="semantic13", classes=("background", *_CLASSES_13)),
    40: dict(folder="semantic40", classes=_CLASSES_40, reduce_zero_label=True),
}

#: How to make the targets that a converted folder may lack.
_WRITERS = {
    "normals": "tools/dataset_converters/nyuv2_normals.py makes them from the depth",
    "scene": "tools/dataset_converters/nyuv2.py takes them from nyu_depth_v2_labeled.mat",
}


@DATASETS.register_module()
class NYUv2Dataset(MultiTaskDataset):
    """Labelled frames of NYU Depth V2 (Silberman et al. 2012), as our converter writes them.

    Tasks: ``semantic``, ``depth`` in metres, ``normals`` (if converted), and ``scene``, one of 27
    types (if the folder has ``scenes.json``).

    Args:
        data_root: Folder that ``tools/dataset_converters/nyuv2.py`` wrote.
        ann_file: ``splits/train.txt`` (795 frames) or ``splits/test.txt`` (654).
        num_classes: 14: background is class 0 (the thesis). 13: background is ignored (Couprie et
            al. 2013). 40: the classes of Gupta et al. 2013, background ignored.
        tasks: Tasks to load.
        **common: As in :class:`MultiTaskDataset`: ``broken_files``, ``resident`` (795 frames of
            640 x 480 take 1.7 GB), ``pipeline``, ``test_mode``, ``indices``, ``lazy_init``.

    Raises:
        ValueError: ``num_classes`` is none of the three.
    """

    source = (
        "download nyu_depth_v2_labeled.mat (2.8 GB) from "
        "https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html and run `python "
        "tools/dataset_converters/nyuv2.py nyu_depth_v2_labeled.mat data/nyuv2`, or point to "
        "converted data with --cfg-options data_root=DIR; configs/rooms/swin_cond_rooms.py needs "
        "no files and runs now"
    )

    def __init__(
        self,
        data_root: str,
        *,
        ann_file: str,
        num_classes: int = 14,
        tasks: Sequence[str] = ("semantic", "depth"),
        **common: Unpack[CommonArguments],
    ) -> None:
        if num_classes not in _SEMANTIC:
            raise ValueError(
                f"NYUv2Dataset: num_classes={num_classes}, give one of {list(_SEMANTIC)}"
            )
        super().__init__(
            data_root,
            targets=dict(
                semantic=dict(type="LabelMap", suffix=".png", **_SEMANTIC[num_classes]),
                depth=dict(type="DepthMap", folder="depth", suffix=".png", unit=0.001),
                normals=dict(type="NormalMap", folder="normals", suffix=".png"),
                scene=dict(type="ImageLabel", file="scenes.json", classes=_SCENES),
            ),
            ann_file=ann_file,
            image=dict(folder="image", suffix=".jpg"),
            tasks=tasks,
            **common,
        )

    def _where(self, task: str, name: str) -> str:
        where = super()._where(task, name)
        return f"{where} ({_WRITERS[task]})" if task in _WRITERS else where
