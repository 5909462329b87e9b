"""Images whose pixels encode their position, and a plain reference of their moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor, sqrt

import numpy as np
from hypothesis import strategies as st

from mtlplugins.datasets import DepthMap, LabelMap, NormalMap
from mtlplugins.datasets.transforms import (
    MultiTaskRandomFlip,
    MultiTaskRandomResizedCrop,
    MultiTaskResize,
)

MAPS = ("semantic", "depth", "normals")
IGNORED = -1
sides = st.integers(1, 40)
sizes = st.tuples(sides, sides)


def ramp(side: int) -> np.ndarray:
    """Shades along an axis that rise from the first pixel to the last."""
    return 255 * np.arange(side) / max(side - 1, 1)


def maps_of(place: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """The targets of pixels by their number, some of them without truth."""
    label = np.where(place % 11 == 3, IGNORED, place).astype(np.int32)
    depth = np.where(place % 5 == 1, 0, 1 + place).astype(np.float32)
    angle = np.pi * place / count
    normals = np.stack([np.cos(angle), 0.6 * np.sin(angle), -0.8 * np.sin(angle)], -1)
    normals[place % 7 == 2] = 0
    return dict(semantic=label, depth=depth, normals=normals.astype(np.float32))


def make_image(size: tuple[int, int], tasks: set[str]) -> dict:
    """What a pipeline gets: an image of ramps, and the targets of ``tasks`` alone."""
    rows, columns = np.indices(size)
    shades = [ramp(size[0])[rows], ramp(size[1])[columns], np.full(size, 77)]
    maps = maps_of(rows * size[1] + columns, size[0] * size[1])
    return dict(
        img=np.rint(np.stack(shades, -1)).astype(np.uint8),
        ori_shape=size,
        img_shape=size,
        target_types=dict(
            semantic=LabelMap([str(i) for i in range(1600)], ignore_index=IGNORED),
            depth=DepthMap(),
            normals=NormalMap(),
        ),
        seg_fields=[f"gt_{task}" for task in tasks],
        **{f"gt_{task}": maps[task] for task in tasks},
    )


@st.composite
def steps(draw: st.DrawFn) -> object:
    """A transform that moves pixels."""
    kind = draw(st.sampled_from(("crop", "flip", "resize")))
    if kind == "flip":
        return MultiTaskRandomFlip(prob=draw(st.sampled_from((0.5, 1.0))))
    size = draw(sizes)
    if kind == "resize":
        return MultiTaskResize(size)
    # parts larger than the image, and of shapes that it has not, fall back on what fits
    low, high = sorted(draw(st.tuples(st.floats(0.01, 3), st.floats(0.01, 3))))
    thin, wide = sorted(draw(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10))))
    return MultiTaskRandomResizedCrop(
        draw(st.one_of(st.just(size), sides)),
        crop_ratio_range=(low, high),
        aspect_ratio_range=(thin, wide),
        zoom_depth=draw(st.booleans()),
    )


@dataclass
class Axis:
    """Where the pixels along an axis come from.

    Attributes:
        shades: The ramp as it is now, blended.
        sources: The pixels of the image that each one may be a copy of: two where the centre of
            a pixel falls on the border between two.
    """

    shades: np.ndarray
    sources: list[set[int]]

    @classmethod
    def of(cls, side: int) -> Axis:
        return cls(np.rint(ramp(side)), [{i} for i in range(side)])

    def cut(self, start: int, side: int) -> None:
        self.shades = self.shades[start : start + side]
        self.sources = self.sources[start : start + side]

    def turn(self) -> None:
        self.shades, self.sources = self.shades[::-1], self.sources[::-1]

    def resize(self, side: int) -> None:
        last = len(self.sources) - 1
        centres = [(i + 0.5) * (last + 1) / side for i in range(side)]
        slack = side / 2**15  # OpenCV steps along in fixed point
        self.sources = [
            set().union(
                *self.sources[max(floor(c - slack), 0) : max(ceil(c + slack), 1)][: last + 1]
            )
            for c in centres
        ]
        self.shades = np.interp(np.array(centres) - 0.5, np.arange(last + 1), self.shades)


@dataclass
class Account:
    """What should have become of an image of ``size``, told from what the transforms recorded."""

    size: tuple[int, int]
    mirrored: bool = False
    zoom: float = 1.0
    resized: int = 0
    rows: Axis = field(init=False)
    columns: Axis = field(init=False)

    def __post_init__(self) -> None:
        self.rows, self.columns = Axis.of(self.size[0]), Axis.of(self.size[1])

    def follow(self, step: object, results: dict) -> None:
        if isinstance(step, MultiTaskRandomFlip):
            if results["flip"]:
                self.columns.turn()
                self.mirrored = not self.mirrored
            return
        if isinstance(step, MultiTaskRandomResizedCrop):
            top, left, height, width = results["crop_box"]
            assert 0 < height <= len(self.rows.sources) - top
            assert 0 < width <= len(self.columns.sources) - left
            area = len(self.rows.sources) * len(self.columns.sources)
            if step.zoom_depth:
                self.zoom *= sqrt(area / (height * width))
            self.rows.cut(top, height)
            self.columns.cut(left, width)
        self.rows.resize(step.size[0])
        self.columns.resize(step.size[1])
        self.resized += 1
