"""Scans: a folder per image, and the cracks of all of them in one file."""

from __future__ import annotations

from typing import Any

from mmseg.registry import DATASETS

from mtlplugins.datasets import MultiTaskDataset


@DATASETS.register_module()
class ScanDataset(MultiTaskDataset):
    """``scans/NAME/photo.png``, ``cracks.npz`` and ``places.json`` below ``data_root``."""

    source = "make the scans with the scanner, and point to them with data_root"

    def __init__(self, data_root: str, **common: Any) -> None:
        super().__init__(
            data_root,
            targets=dict(
                cracks=dict(type="CrackMap", file="cracks.npz"),
                place=dict(type="ImageLabel", file="places.json", classes=["desk", "shelf"]),
            ),
            image=dict(folder="scans", suffix="/photo.png"),
            **common,
        )
