"""Reader of the official python files of CIFAR-10 and CIFAR-100."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mtlplugins.io.safe_pickle import read_pickle

from .classes import (
    CIFAR10,
    CIFAR10_CLASSES,
    CIFAR100,
    CIFAR100_CLASSES,
    Hierarchy,
    superclass_of,
)

SIZE = (32, 32)
_ROW = 3 * SIZE[0] * SIZE[1]
#: Advice where to get the files.
SOURCE = (
    "download cifar-10-python.tar.gz or cifar-100-python.tar.gz from "
    "https://www.cs.toronto.edu/~kriz/cifar.html and unpack it in data/cifar, or point to "
    "where it is with --cfg-options data_root=DIR"
)


class Variant(NamedTuple):
    """File layout of a data set."""

    folder: str
    train: tuple[str, ...]
    test: str
    names: str  # the file that names the classes
    keys: dict[str, str]  # of the names in that file, by task
    label: str  # key of the class in a batch
    coarse: str | None  # key of the super-class in a batch
    classes: tuple[str, ...]
    hierarchy: Hierarchy


VARIANTS = {
    10: Variant(
        folder="cifar-10-batches-py",
        train=tuple(f"data_batch_{number}" for number in range(1, 6)),
        test="test_batch",
        names="batches.meta",
        keys=dict(label="label_names"),
        label="labels",
        coarse=None,
        classes=CIFAR10_CLASSES,
        hierarchy=CIFAR10,
    ),
    100: Variant(
        folder="cifar-100-python",
        train=("train",),
        test="test",
        names="meta",
        keys=dict(label="fine_label_names", superclass="coarse_label_names"),
        label="fine_labels",
        coarse="coarse_labels",
        classes=CIFAR100_CLASSES,
        hierarchy=CIFAR100,
    ),
}


def check_names(variant: Variant, folder: Path) -> None:
    """Check that the files in ``folder`` are those of this data set.

    Raises:
        FileNotFoundError: The file with the names of the classes is missing.
        ValueError: The file names other classes, or is damaged.
    """
    path = folder / variant.names
    expected = dict(label=variant.classes, superclass=tuple(variant.hierarchy))
    content = _content(path)
    for task, key in variant.keys.items():
        names = tuple(map(_text, _field(content, key, path)))
        if names != expected[task]:
            raise ValueError(
                f"{path}: {key} is {', '.join(names[:3])}, …, but the official file has "
                f"{', '.join(expected[task][:3])}, …: {SOURCE}"
            )


def read_batch(variant: Variant, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of images.

    Returns:
        Images uint8 (N, 3, 32, 32) in BGR order, and their classes int64 (N,).

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or holds something else.
    """
    content = _content(path)
    rows = _field(content, "data", path)
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.shape[1:] != (_ROW,):
        raise ValueError(f"{path}: data is not a uint8 array (N, {_ROW}): {SOURCE}")
    labels = _numbers(content, variant.label, path, len(rows), len(variant.classes))
    if variant.coarse is not None:
        owner = np.array(superclass_of(variant.hierarchy, variant.classes))
        coarse = _numbers(content, variant.coarse, path, len(rows), len(variant.hierarchy))
        if wrong := np.flatnonzero(owner[labels] != coarse).tolist():
            raise ValueError(
                f"{path}: image {wrong[0]} is of the class "
                f"{variant.classes[labels[wrong[0]]]!r}, but of the super-class "
                f"{list(variant.hierarchy)[coarse[wrong[0]]]!r}: {SOURCE}"
            )
    return np.ascontiguousarray(rows.reshape(-1, 3, *SIZE)[:, ::-1]), labels


def _content(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path.absolute()}: {SOURCE}")
    content = read_pickle(path)
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a dict: {SOURCE}")
    return {_text(key): value for key, value in content.items()}


def _text(name: Any) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


def _field(content: dict[str, Any], key: str, path: Path) -> Any:
    if key not in content:
        raise ValueError(
            f"{path} has no {key!r}, only {', '.join(content)}: is it a file of the other CIFAR?"
        )
    return content[key]


def _numbers(content: dict[str, Any], key: str, path: Path, count: int, classes: int) -> np.ndarray:
    values = np.asarray(_field(content, key, path))
    if values.shape != (count,) or values.dtype.kind not in "iu":
        raise ValueError(f"{path}: {key} is not a list of {count} numbers, one per image")
    if count and not (values.min() >= 0 and values.max() < classes):
        raise ValueError(f"{path}: {key} goes up to {values.max()}, but there are {classes}")
    return values.astype(np.int64)
