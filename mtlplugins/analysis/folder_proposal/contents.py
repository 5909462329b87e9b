"""Guess of what the files of a role hold, from some of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import BrokenFile

from .survey import Role

ARRAYS = {".npy", ".npz", ".exr", ".pfm"}
LOSSLESS = {".png", ".tif", ".tiff", ".bmp", ".gif", ".ppm"}
LOSSY = {".jpg", ".jpeg"}
_SAMPLE = 8  # files that are read to tell what a role is
_FEW = 64  # distinct values of files that hold classes, at most
_UNIT = 0.05  # of the length of normals


def kind_of(role: Role, folder: Path) -> tuple[str, str]:
    """Tell whether files are images, labels, colours, depth or normals.

    Returns:
        The kind, or an empty text where they are none; and the reason, or why not.
    """
    if role.suffix in LOSSY:
        if role.meanings & {"labels", "depth", "normals"}:
            return "", "JPEG does not keep exact values: its targets are not used"
        return "images", "JPEG"
    if role.suffix not in ARRAYS | LOSSLESS:
        return "", f"{role.suffix or 'files without a suffix'}: not read"
    kinds = Counter()
    reason = ""
    for path in role.sample(_SAMPLE):
        try:
            kind, reason = _kind_of_array(read_array(str(folder / path)), role)
        except BrokenFile as error:
            kind, reason = "", str(error)
        kinds[kind] += 1
    kind = kinds.most_common(1)[0][0]
    if len(kinds) > 1:
        reason += f"; {len(kinds)} kinds of contents among {sum(kinds.values())} files"
    return kind, reason


def _kind_of_array(raw: np.ndarray, role: Role) -> tuple[str, str]:
    said = role.meanings
    if "objects" in said and not said & {"depth", "normals"}:
        return "", "numbers of objects: no task learns them"
    what = f"{raw.dtype}, {' x '.join(map(str, raw.shape))}"
    raw = raw[..., 0] if raw.ndim == 3 and raw.shape[2] == 1 else raw
    if raw.ndim == 3:
        return _kind_of_channels(raw, said, what)
    if raw.ndim != 2:
        return "", f"{what}: no map"
    if raw.dtype.kind == "f":
        return "depth", what
    count = len(np.unique(raw))
    if raw.dtype == np.uint8 and "depth" in said:
        return "", f"{what}: 8 bits cannot hold depth"
    if raw.dtype == np.uint8 and count > _FEW and "labels" not in said:
        return "images", f"{what}, grey"
    if raw.dtype.itemsize > 1 and (count > _FEW or "depth" in said):
        return "depth", f"{what}, {count} values"
    return "labels", f"{what}, {count} values"


def _kind_of_channels(raw: np.ndarray, said: set[str], what: str) -> tuple[str, str]:
    rows = np.moveaxis(raw, 0, -1) if raw.shape[0] == 3 and raw.shape[2] > 4 else raw
    if raw.dtype.kind == "f":
        length = np.linalg.norm(np.nan_to_num(rows.astype(np.float64)), axis=-1)
        unit = (np.abs(length[length > 0.1] - 1) < _UNIT).mean() if (length > 0.1).any() else 0
        return ("normals", what) if unit > 0.9 and rows.shape[2] == 3 else ("", f"{what}: unknown")
    if "normals" in said:
        return "normals", what
    if "depth" in said:
        return "", f"{what}: depth in three channels is not read"
    if raw.dtype != np.uint8:
        return "", f"{what}: images of 16 bits need LoadImageChannels"
    colours = np.unique(raw[..., :3].reshape(-1, 3), axis=0)
    if "images" in said or (len(colours) > _FEW and "labels" not in said):
        return "images", what
    grey = bool((colours == colours[:, :1]).all())
    return ("labels" if grey else "colours"), f"{what}, {len(colours)} colours"


def values_in(paths: list[str], folder: Path, kind: str) -> tuple[Counter[Any], list[str]]:
    """Count in how many files each value or colour occurs.

    Returns:
        The counts, and the errors of files that cannot be read.
    """
    counts: Counter[Any] = Counter()
    errors = []
    for path in paths:
        try:
            raw = read_array(str(folder / path), lossless=True)
        except BrokenFile as error:
            errors.append(str(error))
            continue
        if kind == "colours" and raw.ndim == 3:
            found = np.unique(raw[..., :3].reshape(-1, 3), axis=0)
            counts.update(tuple(colour) for colour in found.tolist())
        else:
            counts.update(np.unique(raw[..., 0] if raw.ndim == 3 else raw).tolist())
    return counts, errors
