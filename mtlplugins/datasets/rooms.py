"""Data set of rendered rooms, without files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from mmseg.registry import DATASETS

from mtlplugins.rooms.renderer import CLASSES, PALETTE, SCENES, SUPERCLASSES, Room, render_room

from .common_arguments import CommonArguments
from .multitask import MultiTaskDataset

if TYPE_CHECKING:
    from typing_extensions import Unpack


@DATASETS.register_module()
class RoomsDataset(MultiTaskDataset):
    """Indoor scenes rendered on the fly; deterministic in seed and index.

    Tasks: ``semantic`` (NYUv2's 14 classes), ``depth`` in metres, ``normals``, ``scene`` and its
    ``superclass``. Every image has all targets.

    Args:
        length: Number of rooms.
        seed: Seed of the set of rooms; different seeds share no room.
        size: (height, width) of the images.
        tasks: Tasks to load; None for all five.
        **common: As in :class:`MultiTaskDataset`: ``pipeline``, which needs no loading,
            ``resident``, to render each room once and cache it (280 KB for 96 x 128 pixels with
            all targets), ``test_mode``, ``indices``, ``lazy_init``, ``broken_files``.

    Raises:
        ValueError: ``length`` is not positive.
    """

    generated = True

    def __init__(
        self,
        length: int,
        *,
        seed: int = 0,
        size: tuple[int, int] = (96, 128),
        tasks: Sequence[str] | None = None,
        **common: Unpack[CommonArguments],
    ) -> None:
        if length < 1:
            raise ValueError(f"RoomsDataset: length={length}, give 1 or more")
        self.length = length
        self.seed = seed
        self.size = tuple(size)
        super().__init__(
            "",
            targets=dict(
                semantic=dict(type="LabelMap", classes=CLASSES, palette=PALETTE),
                depth=dict(type="DepthMap"),
                normals=dict(type="NormalMap"),
                scene=dict(type="ImageLabel", classes=SCENES),
                superclass=dict(type="ImageLabel", classes=SUPERCLASSES),
            ),
            tasks=tasks,
            **common,
        )

    def load_data_list(self) -> list[dict]:
        """List the rooms by index; :meth:`get_data_info` renders them."""
        return [dict(room=i, img_path=f"rooms/{self.seed}/{i:06d}.png") for i in range(self.length)]

    def tasks_of(self, idx: int) -> list[str]:
        """List the tasks of a room: all."""
        return list(self.target_types)

    def get_data_info(self, idx: int) -> dict:
        """Render a room and its targets."""
        info = super().get_data_info(idx)
        room = render_room(self.seed, info["room"], size=self.size)
        # BGR, as everywhere in the mm stack
        info["img"] = np.ascontiguousarray(room.image[..., ::-1])
        info["img_shape"] = info["ori_shape"] = self.size
        info |= {f"gt_{task}": self._target(room, task) for task in self.target_types}
        info["seg_fields"] = [f"gt_{t}" for t, target in self.target_types.items() if target.dense]
        return info

    @staticmethod
    def _target(room: Room, task: str) -> np.ndarray | int:
        value = getattr(room, task)
        return (
            value.astype(np.int32)
            if isinstance(value, np.ndarray) and value.dtype == np.uint8
            else value
        )
