"""NYU Depth V2."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.registry import DATASETS

from .multitask import MultiTaskDataset

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

#: The label protocols: what is stored, and whether the background is a class.
_SEMANTIC = {
    13: dict(folder="semantic13", classes=_CLASSES_13, reduce_zero_label=True),
    14: dict(folder="semantic13", classes=("background", *_CLASSES_13)),
    40: dict(folder="semantic40", classes=_CLASSES_40, reduce_zero_label=True),
}


@DATASETS.register_module()
class NYUv2Dataset(MultiTaskDataset):
    """The labelled frames of NYU Depth V2 (Silberman et al. 2012), as our converter writes them.

    Tasks: ``semantic``, ``depth`` in metres, ``scene`` (where the folder has ``scenes.json``).

    Args:
        data_root: Folder that ``tools/dataset_converters/nyuv2.py`` wrote.
        ann_file: ``splits/train.txt`` (795 frames) or ``splits/test.txt`` (654).
        num_classes: 14: background is class 0 (the thesis). 13: background is ignored (Couprie et
            al. 2013).
            40: the classes of Gupta et al. 2013, background ignored.
        tasks: Tasks to load.
        pipeline: Transforms.
        test_mode: As in MMEngine.
        indices: Use only the first so many images, or those of these indices.
        lazy_init: As in MMEngine.

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
        pipeline: Sequence = (),
        test_mode: bool = False,
        indices: int | Sequence[int] | None = None,
        lazy_init: bool = False,
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
                scene=dict(type="ImageLabel", file="scenes.json"),
            ),
            ann_file=ann_file,
            image=dict(folder="image", suffix=".jpg"),
            tasks=tasks,
            pipeline=pipeline,
            test_mode=test_mode,
            indices=indices,
            lazy_init=lazy_init,
        )
