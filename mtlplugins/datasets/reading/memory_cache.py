"""Memory cache of decoded images and targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from mmengine.logging import print_log

from mtlplugins.datasets.transforms import LoadMultiTaskImage, LoadTargets, OpenMultiTaskImage

from .files import BrokenFile


class MemoryCache:
    """Cache of what the loading transforms at the head of a pipeline make of each image.

    Workers that are forked share it; none takes memory of its own for what it reads. Images are
    kept whole, as of ``LoadMultiTaskImage``, also where ``OpenMultiTaskImage`` would leave them to
    be decoded for each crop. Of a data set that makes its images, such as rendered rooms, what it
    makes is kept.

    Args:
        pipeline: Its leading ``LoadMultiTaskImage`` or ``OpenMultiTaskImage`` and ``LoadTargets``
            are run once for each image now, the others at each access.
        infos: What describes the images to the pipeline, in the order of their indices.
        keep_broken: Whether a broken file is an error when its image is asked for, not now.

    Raises:
        ValueError: The pipeline does not begin with loading, and the data set makes no images.
        BrokenFile: A file is broken, unless ``keep_broken``.
    """

    def __init__(self, pipeline: Compose, infos: Iterable[dict], *, keep_broken: bool) -> None:
        transforms = pipeline.transforms
        loading = 0
        while loading < len(transforms) and isinstance(
            transforms[loading], (LoadMultiTaskImage, LoadTargets)
        ):
            loading += 1
        load = Compose(
            LoadMultiTaskImage() if isinstance(t, OpenMultiTaskImage) else t
            for t in transforms[:loading]
        )
        self._transform = Compose(transforms[loading:])
        self._kept: list[dict | BrokenFile] = []
        for info in infos:
            if not loading and "img" not in info:
                raise ValueError(
                    "resident=True: nothing to keep, as the pipeline does not begin with "
                    "LoadMultiTaskImage"
                )
            try:
                self._kept.append(load(info))
            except BrokenFile as error:
                if not keep_broken:
                    raise
                self._kept.append(error)
        print_log(
            f"{len(self._kept)} images and their targets in memory: {self.megabytes:.0f} MB",
            logger="current",
        )

    @property
    def megabytes(self) -> float:
        """Memory of the arrays."""
        loaded = [item for item in self._kept if isinstance(item, dict)]
        arrays = [v for item in loaded for v in item.values() if isinstance(v, np.ndarray)]
        return sum(array.nbytes for array in arrays) / 1e6

    def __getitem__(self, idx: int) -> Any:
        """Transform an image."""
        kept = self._kept[idx]
        if isinstance(kept, BrokenFile):
            raise BrokenFile(str(kept), kept.path)
        # transforms may change arrays and lists in place
        copied = {k: v.copy() if isinstance(v, (np.ndarray, list)) else v for k, v in kept.items()}
        return self._transform(copied)
