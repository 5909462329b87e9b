"""Bad files of well-known data sets, as downloaded or partly downloaded."""

from __future__ import annotations

import pickle

import h5py
import numpy as np

from tests._data import write

from .changes import Change, content, cut, remove
from .entry import BadInput, options

_BATCH = "cifar/cifar-10-batches-py/data_batch_2"
_MAT = "nyu.mat"
_CONVERT = f"dataset_converters/nyuv2.py {_MAT} out"


def _cifar(name: str, change: Change, *words: str) -> BadInput:
    return BadInput(name, options("cifar.py", "data_root=cifar"), (*words, "data_batch_2"), change)


def _mat(name: str, data: str | bytes, *words: str) -> BadInput:
    return BadInput(name, _CONVERT, (_MAT, *words), content(_MAT, data))


def _other_hdf5(folder) -> None:
    with h5py.File(folder / _MAT, "w") as file:
        file["rawDepths"] = np.zeros(3)


def _batch(**values: object) -> Change:
    return content(_BATCH, pickle.dumps({key.encode(): value for key, value in values.items()}))


KNOWN_DATA = (
    _cifar("a batch of CIFAR cut short", cut(_BATCH), "is truncated", "take it from its publisher"),
    _cifar("a batch of CIFAR that is text", content(_BATCH, "hello"), "take it from its publisher"),
    _cifar("a batch of CIFAR not downloaded", remove(_BATCH), "no file", "cifar-10-python.tar.gz"),
    _cifar("a batch that is a list", content(_BATCH, pickle.dumps([1])), "a list, not a dict"),
    _cifar(
        "images of another size",
        _batch(data=np.zeros((2, 12), np.uint8), labels=[0, 1]),
        "data is not a uint8 array (N, 3072)",
        "cifar-10-python.tar.gz",
    ),
    _cifar(
        "a class that CIFAR has not",
        _batch(data=np.zeros((2, 3072), np.uint8), labels=[0, 99]),
        "labels goes up to 99, but there are 10",
    ),
    BadInput(
        "a CIFAR of 50 classes",
        options("cifar.py", "data_root=cifar", "train_dataloader.dataset.num_classes=50"),
        ("MultiTaskCIFAR: num_classes=50", "give 10 or 100"),
    ),
    BadInput("no labelled file", _CONVERT, ("nyu.mat does not exist", "from the page of NYU")),
    _mat("a labelled file of no bytes", b"", "no HDF5 file (0 bytes)"),
    _mat("a web page as the labelled file", "<html>", "web page", "download the file itself"),
    _mat("a file of MATLAB 5", "MATLAB 5.0 MAT-file", "MATLAB 5.0", "use the original"),
    _mat(
        "a labelled file cut short",
        b" " * 512 + b"\x89HDF\r\n\x1a\n" + bytes(100),
        "cut short or damaged",
        "download it again",
    ),
    BadInput(
        "another file of the same data set",
        _CONVERT,
        ("nyu.mat has no images, depths, labels", "nyu_depth_v2_labeled.mat is needed"),
        _other_hdf5,
    ),
    BadInput(
        "frames of no height",
        f"{_CONVERT} --size 0 5",
        ("--size takes two positive numbers",),
    ),
    BadInput(
        "normals from a folder without depth",
        "dataset_converters/nyuv2_normals.py data/photos",
        ("no depth in data/photos/depth", "name a folder that nyuv2.py has filled"),
    ),
    BadInput(
        "normals from depth of 8 bits",
        "dataset_converters/nyuv2_normals.py small",
        ("small/depth/1.png is no 16-bit depth", "convert it again"),
        lambda folder: write(folder / "small/depth/1.png", np.zeros((48, 64), np.uint8)),
    ),
)
