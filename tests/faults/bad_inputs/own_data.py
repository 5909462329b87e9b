"""Bad files of a user's own data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests._data import make_image

from .changes import Change, all_of, content, cut, folder_at, link, pixels, remove
from .entry import BadInput, options
from .workshop import NAMES, SIZE

_TRAIN = "train.py mine.py"
_CHECK = "analysis/check_dataset.py mine.py --workers 0"
_DATA = "train_dataloader.dataset."
_PHOTO = "data/photos/a.jpg"
_MEND_PHOTO = "replace the file or take its name out of the split file"

_ORDER = """
_base_ = "mine.py"
pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskRandomFlip"),
    dict(type="LoadTargets"),
    dict(type="PackMultiTask"),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
"""


def _files(name: str, change: Change, *words: str, command: str = _TRAIN) -> BadInput:
    return BadInput(name, command, words, change)


def _value(name: str, value: str, *words: str) -> BadInput:
    return BadInput(name, options("mine.py", value), words)


def _everywhere(file: str, values: np.ndarray) -> Change:
    return all_of(*(pixels(file.format(name), values) for name in NAMES))


def _rename(old: str, new: str) -> Change:
    return lambda folder: (folder / old).rename(folder / new)


def _turned(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(make_image(0, size=SIZE)).save(folder / _PHOTO, exif=exif)


_NPY = " ".join(
    f"{k}_dataloader.dataset.targets.depth.suffix=.npy" for k in ("train", "val", "test")
)

OWN_DATA = (
    _files("a photo that is text", content(_PHOTO, "hello"), _PHOTO, "identify", _MEND_PHOTO),
    _files("a photo of no bytes", content(_PHOTO, b""), _PHOTO, "it is empty", _MEND_PHOTO),
    _files("a photo cut short", cut(_PHOTO), _PHOTO, "cannot be read", _MEND_PHOTO),
    _files("a link to nowhere", link(_PHOTO, "gone.jpg"), _PHOTO, "No such file", _MEND_PHOTO),
    _files("a folder named as a photo", folder_at(_PHOTO), _PHOTO, "ordinary file", _MEND_PHOTO),
    _files(
        "a photo of 16 bits",
        pixels("data/photos/a.png", np.zeros(SIZE, np.uint16)),
        "a.png",
        "not of 8 bits per channel; convert it",
        command=options("mine.py", f"{_DATA}image.suffix=.png", f"{_DATA}ann_file=''"),
    ),
    _files("labels cut short", cut("data/labels/a.png"), "data/labels/a.png", "is it whole"),
    _files(
        "a label that is no class",
        pixels("data/labels/a.png", np.full(SIZE, 7, np.uint8)),
        "data/labels/a.png: label 7 is none of the 3 classes",
        "list all classes in the data set's config, or set ignore_index",
    ),
    _files(
        "labels in colours",
        pixels("data/labels/a.png", np.full((*SIZE, 3), (9, 0, 0), np.uint8)),
        "data/labels/a.png holds colours: give the target `palette`, the RGB colour of each",
    ),
    _files(
        "a target of another shape than its image",
        pixels("data/depth/a.png", np.ones((32, 96), np.uint16)),
        "task 'depth': data/depth/a.png is 96 x 32 pixels, its image data/photos/a.jpg is 96 x 64",
        "store both of the same part, and best at the same size",
    ),
    _files(
        "depth of 8 bits",
        pixels("data/depth/a.png", np.ones(SIZE, np.uint8)),
        "data/depth/a.png: depth must have one channel of 16-bit",
        "write it as 16-bit PNG",
    ),
    _files(
        "depth of a camera that sees nothing",
        _everywhere("data/depth/{}.png", np.full(SIZE, 65535, np.uint16)),
        "range of depth",
        "task 'depth': 100.0% of its values lie outside of 0.5 to 10 m with unit=0.001",
        "correct the data set's unit, the metres per step of the files, or min_depth",
        "3 errors",
        command=_CHECK,
    ),
    _files(
        "depth in metres that is taken for millimetres",
        _everywhere("data/depth/{}.npy", np.full(SIZE, 2.5, np.float32)),
        "task 'depth': 100.0% of its values lie outside of 0.5 to 10 m with unit=0.001",
        "3 errors",
        command=f"{_CHECK} --cfg-options {_NPY}",
    ),
    *(
        _files(
            f"depth of {what}",
            pixels("data/depth/a.npy", values),
            "data/depth/a.npy: depth must have one channel of 16-bit whole numbers or of floats",
            f"type {values.dtype}",
            command=options("mine.py", f"{_DATA}targets.depth.suffix=.npy"),
        )
        for what, values in (
            ("words", np.full(SIZE, "2.5")),
            ("complex numbers", np.full(SIZE, 2.5 + 1j)),
            ("dates", np.zeros(SIZE, "datetime64[s]")),
            ("records", np.zeros(SIZE, [("a", "f4")])),
        )
    ),
    _files(
        "a photo that is turned, and its targets are not",
        _turned,
        "data/photos/a.jpg is turned on loading, as its EXIF data say, but its targets are not",
        "store it without the tag",
    ),
    _files(
        "depth that is missing everywhere",
        _everywhere("data/depth/{}.png", np.zeros(SIZE, np.uint16)),
        "task 'depth': all of data/depth/a.png is missing",
        "4 errors",
        command=_CHECK,
    ),
    _files(
        "no folder of depth",
        remove("data/depth"),
        "task 'depth'",
        "data/depth, which does not exist",
        "leave the task out with dataset.tasks",
    ),
    _files("no split file", remove("data/train.txt"), "no split file", "train.txt", "data_root"),
    _files("a split of nothing", content("data/train.txt", "\n"), "data/train.txt lists no image"),
    _files(
        "a split that is no text",
        content("data/train.txt", b"\xff\xfe\x00a"),
        "data/train.txt is not text in UTF-8",
        "write one name per line",
    ),
    _files("a name twice", content("data/train.txt", "a\nb\na\n"), "data/train.txt lists 'a' 2"),
    _files(
        "a name of no photo",
        content("data/train.txt", "a\nz\n"),
        "1 of 2 images listed in data/train.txt are missing",
        "data/photos/z.jpg",
    ),
    _files(
        "a name that leads out of the folder",
        content("data/train.txt", "../../photos/a\n"),
        "data/train.txt lists '../../photos/a', which leads out of the data set's folder",
        "list names below it",
    ),
    _files(
        "the same photo in training and validation",
        content("data/val.txt", "a\nc\n"),
        "data/photos/a.jpg",
        "errors",
        command=_CHECK,
    ),
    _files(
        "room types that are no JSON", content("data/rooms.json", "{"), "data/rooms.json: expec"
    ),
    _files(
        "room types in another form",
        content("data/rooms.json", '["kitchen"]'),
        'data/rooms.json: expected {"classes": [...], "labels": {image name: class}}',
    ),
    _files(
        "a room type that is no class",
        content("data/rooms.json", '{"classes": ["kitchen"], "labels": {"a": "garage"}}'),
        "data/rooms.json: 'a' has class 'garage', none of kitchen",
    ),
    _files(
        "room types nested deeper than anything is",
        content("data/rooms.json", "[" * 100_000 + "]" * 100_000),
        'data/rooms.json: expected {"classes": [...], "labels": {image name: class}}',
    ),
    _files(
        "room types that are numbers",
        content("data/rooms.json", '{"classes": [0, 1], "labels": {"a": 0, "b": 1}}'),
        "data/rooms.json: classes are [0, 1]: expected a list of names in quotes",
    ),
    _files(
        "room types in one word",
        content("data/rooms.json", '{"classes": "ab", "labels": {"a": "a", "b": "b"}}'),
        "data/rooms.json: classes are 'ab': expected a list of names in quotes",
    ),
    _files(
        "a room type twice",
        content("data/rooms.json", '{"classes": ["hall", "hall"], "labels": {"a": "hall"}}'),
        "data/rooms.json: classes list 'hall' 2 times: give each its own name",
    ),
    _value(
        "classes in one word",
        f"{_DATA}targets.semantic.classes=wall",
        "LabelMap: classes='wall', give a list of names",
    ),
    *(
        _value(
            f"bounds of {name} that are none: {bounds}",
            f"{_DATA}pipeline.2.{name}={bounds}",
            f"MultiTaskRandomResizedCrop: {name}=",
            "give two numbers above 0, the smaller one first",
        )
        for name, bounds in (
            ("crop_ratio_range", "(-1.0,0.0)"),
            ("crop_ratio_range", "(1.0,0.5)"),
            ("aspect_ratio_range", "(0,1)"),
            ("aspect_ratio_range", "1"),
        )
    ),
    _files(
        "photos whose suffix is in capitals",
        all_of(*(_rename(f"data/photos/{n}.jpg", f"data/photos/{n}.JPG") for n in NAMES)),
        "no image with suffix .jpg in data/photos; 4 files, such as",
        "end in it but for upper and lower case: rename them",
        command=options("mine.py", f"{_DATA}ann_file=''"),
    ),
    _files(
        "no photo that can be read in the place of a broken one",
        all_of(content(_PHOTO, b""), content("data/photos/b.jpg", b"")),
        _PHOTO,
        "none of the 1 images tried in its place can be read",
        command=options("mine.py", f"{_DATA}broken_files=skip"),
    ),
    _value("no such data", "data_root=gone", "gone: set data_root to the folder of the data set"),
    _value("a file for data", "data_root=mine.py", "mine.py: set data_root to the folder"),
    _value("photos of another suffix", f"{_DATA}image.suffix=.jpeg", "a.jpeg (there is a.jpg)"),
    _value(
        "a typo in where the photos are",
        f"{_DATA}image.sufix=.jpg",
        "image=",
        "'sufix'",
        "give its folder and its suffix",
    ),
    _value(
        "a task that the data has not",
        f"{_DATA}tasks=[semantic,dept]",
        "has 'dept', but the config's tasks are ('semantic', 'depth', 'scene')",
        "name all in `tasks`",
    ),
    _value(
        "a task of the model that is not loaded",
        f"{_DATA}tasks=[semantic,scene]",
        "the model learns task 'depth', but the training data has only semantic, scene",
        "set model.tasks",
    ),
    _value(
        "an unknown answer to broken files",
        f"{_DATA}broken_files=ignore",
        "broken_files='ignore'",
        "give 'stop' or 'skip'",
    ),
    _value(
        "a test that leaves files out",
        "val_dataloader.dataset.broken_files=skip",
        "broken_files='skip' is for training",
    ),
    _value(
        "depth in words",
        f"{_DATA}targets.depth.unit=mm",
        "DepthMap: unit='mm'",
        "give the metres per step of the files",
    ),
    _value(
        "depth that is always 0",
        f"{_DATA}targets.depth.unit=0",
        "DepthMap: unit=0",
        "such as 0.001",
    ),
    _value(
        "missing depth in words",
        f"{_DATA}targets.depth.missing=none",
        "DepthMap: missing='none'",
        "give the number that missing pixels have in the files, such as 0 or 65535",
    ),
    _value(
        "a class that is ignored",
        f"{_DATA}targets.semantic.ignore_index=1",
        "ignore_index=1 is one of the 3 classes",
        "such as 3 or -1",
    ),
    _value("none of the photos", f"{_DATA}indices=0", "indices=0: say how many of the 2 images"),
    _value("photos beyond the last", f"{_DATA}indices=[0,10]", "give a list of some of 0 to 1"),
    _value(
        "images of no size",
        f"{_DATA}pipeline.2.scale=(0,96)",
        "MultiTaskRandomResizedCrop: scale=(0, 96)",
        "give a side or (height, width) in pixels",
    ),
    _value(
        "images of a size below 0",
        "val_dataloader.dataset.pipeline.1.scale=(-5,7)",
        "MultiTaskResize: scale=(-5, 7)",
        "give a side or (height, width) in pixels",
    ),
    _files(
        "targets that are loaded behind a flip",
        content("order.py", _ORDER),
        "MultiTaskRandomFlip stands before LoadTargets and would move the image alone",
        command="train.py order.py",
    ),
)
