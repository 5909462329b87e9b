"""Cracks of the objects in an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.targets import DenseTarget
from mtlplugins.kinds import part_of_kind


@DATASETS.register_module()
@part_of_kind("cracks", "target")
class CrackMap(DenseTarget):
    """Maps of all images in one ``.npz``: 1 on a crack, 0 elsewhere, -1 where unknown.

    Args:
        file: The archive, below the data set's root; its arrays bear the images' names.
    """

    invalid = -1.0

    def __init__(self, file: str) -> None:
        self.file = file

    def find(self, root: Path, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        path = root / self.file
        if not path.is_file():
            return {}
        with np.load(path) as stored:
            return {name: (str(path), name) for name in names if name in stored.files}

    def where(self, root: Path, name: str) -> str:
        return str(root / self.file)

    def load(self, source: tuple[str, str]) -> np.ndarray:
        path, name = source
        with np.load(path) as stored:
            cracks = stored[name].astype(np.float32)
        if not np.isin(cracks, (-1, 0, 1)).all():
            raise BrokenFile(f"{path}: {name} holds other values than -1, 0 and 1", path)
        return cracks

    def describe(self, value: np.ndarray) -> dict[str, int]:
        return {"crack": int((value == 1).sum()), "inside": int((value == 0).sum())}

    def pack(self, value: np.ndarray) -> PixelData:
        return PixelData(data=torch.from_numpy(value.copy())[None])
