"""In-memory cache of decoded images and targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from mmengine.logging import print_log

from mtlplugins.datasets.transforms import LoadMultiTaskImage, LoadTargets, OpenMultiTaskImage

from .files import BrokenFile


class MemoryCache:
    """Cache of each image after the loading transforms at the head of a pipeline.

    Forked workers share the cache, and reading it takes no memory of their own. Images are cached
    in full size, as ``LoadMultiTaskImage`` loads them, even if the pipeline has
    ``OpenMultiTaskImage``, which would decode them for each crop. For a data set that generates its
    images, such as rendered rooms, the generated items are cached.

    Args:
        pipeline: The pipeline. Its leading ``LoadMultiTaskImage`` or ``OpenMultiTaskImage`` and
            ``LoadTargets`` run now, once per image; the other transforms run at each access.
        infos: Descriptions of the images for the pipeline, in the order of their indices.
        keep_broken: Whether to raise the error of a broken file when its image is accessed instead
            of now.

    Raises:
        ValueError: The pipeline does not begin with loading, and the items have no images yet.
        BrokenFile: A file is broken and ``keep_broken`` is False.
    """

    def __init__(self, pipeline: Compose, infos: Iterable[dict], *, keep_broken: bool) -> None:
        transforms = pipeline.transforms
        loading = 0
        while loading < len(transforms) and isinstance(
            transforms[loading], (LoadMultiTaskImage, LoadTargets)
        ):
            loading += 1
        load = Compose(
            [
                LoadMultiTaskImage() if isinstance(t, OpenMultiTaskImage) else t
                for t in transforms[:loading]
            ]
        )
        self._transform = Compose(transforms[loading:])
        self._items: list[dict | BrokenFile] = []
        for info in infos:
            if not loading and "img" not in info:
                raise ValueError(
                    "resident=True: nothing to cache, as the pipeline does not begin with "
                    "LoadMultiTaskImage"
                )
            try:
                item = load(info)
            except BrokenFile as error:
                if not keep_broken:
                    raise
                self._items.append(error)
            else:
                assert item is not None  # only transforms that drop samples return None
                self._items.append(item)
        print_log(
            f"{len(self._items)} images and their targets in memory: {self.megabytes:.0f} MB",
            logger="current",
        )

    @property
    def megabytes(self) -> float:
        """Memory of the cached arrays in MB (10^6 bytes)."""
        loaded = [item for item in self._items if isinstance(item, dict)]
        arrays = [v for item in loaded for v in item.values() if isinstance(v, np.ndarray)]
        return sum(array.nbytes for array in arrays) / 1e6

    def __getitem__(self, idx: int) -> Any:
        """Return an image after the rest of the pipeline."""
        item = self._items[idx]
        if isinstance(item, BrokenFile):
            raise BrokenFile(str(item), item.path)
        # transforms may change arrays and lists in place
        copied = {k: v.copy() if isinstance(v, (np.ndarray, list)) else v for k, v in item.items()}
        return self._transform(copied)
