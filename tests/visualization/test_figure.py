"""Figures: no text lies on another, and all models of a row share one scale."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from mmengine.structures import LabelData, PixelData

from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization.comparison import header, rows_of_image
from mtlplugins.visualization.drawers import DEPTH_COLOURS
from mtlplugins.visualization.figure import Scale, Tile, contours, lay_out

CLASSES = ("wall", "a floor with a long name", "sofa")
TASKS = dict(
    semantic=dict(kind="segmentation", classes=CLASSES, palette=[(9, 9, 9)] * 3),
    depth=dict(kind="depth"),
    scene=dict(kind="classification", classes=("kitchen", "bath")),
)


def samples(height: int, width: int) -> list[MultiTaskDataSample]:
    """Two models: depth of 1 and 5 metres where 2 and 3 are true; labels 0 and 1 where 2 is."""
    made = []
    for label, depth in ((0, 1.0), (1, 5.0)):
        sample = MultiTaskDataSample()
        true = torch.full((1, height, width), 2.0)
        true[:, : height // 2] = 3.0
        sample.gt_depth = PixelData(data=true)
        sample.pred_depth = PixelData(data=torch.full((1, height, width), depth))
        sample.gt_semantic = PixelData(data=torch.full((1, height, width), 2))
        sample.pred_semantic = PixelData(data=torch.full((1, height, width), label))
        sample.gt_scene = LabelData(label=torch.tensor(0))
        sample.pred_scene = LabelData(label=torch.tensor(1), score=torch.tensor([0.2, 0.8]))
        made.append(sample)
    return made


@pytest.mark.parametrize("size", [(40, 60), (20, 200), (200, 20)])
@pytest.mark.parametrize("transposed", [False, True])
def test_text_stays_apart_and_inside(size: tuple[int, int], transposed: bool) -> None:
    image = np.zeros((*size, 3), np.uint8)
    names = ["one", "a_name_without_any_space_that_is_wider_than_every_tile_of_it $x_1$"]
    rows = rows_of_image(image, samples(*size), TASKS, errors=True)
    figure = lay_out([header(names, truth=True), *rows], transposed=transposed)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]
    boxes += [("image", axes.get_window_extent(renderer)) for axes in figure.axes]
    assert len(figure.texts) > 10
    for (one, a), (other, b) in combinations(boxes, 2):
        shared = [min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)]
        assert min(shared) < 0.5, f"{one!r} and {other!r} overlap by {shared} pixels"
    page = figure.bbox
    for words, box in boxes:
        assert min(box.x0, box.y0, page.x1 - box.x1, page.y1 - box.y1) >= 0, words


def test_models_share_a_scale_and_a_key() -> None:
    image = np.full((4, 6, 3), 100, np.uint8)
    rows = {row[0]: row for row in rows_of_image(image, samples(4, 6), TASKS, errors=True)}
    assert list(rows) == [
        "semantic", "semantic: wrong labels", "depth", "depth: absolute error",
        "depth: relative error", "scene",
    ]  # fmt: skip
    assert [name for name, row in rows.items() if row[1] is not None] == ["semantic"]
    true, near, far = (tile.pixels[0, 0].tolist() for tile in rows["depth"][2:5])
    # 2 to 3 metres from the ground truth: 1 and 5 are beyond its ends
    assert [near, far] == [DEPTH_COLOURS[0].tolist(), DEPTH_COLOURS[-1].tolist()]
    assert true == far
    colours = {tuple(tile.pixels[0, 0]) for tile in rows["semantic"][2:5]}
    assert len(colours) == 3  # not the palette's, which are all the same
    for name in ("depth: absolute error", "depth: relative error"):
        _, _, none, one, two, scale = rows[name]
        assert none is None
        assert isinstance(one, Tile)
        assert isinstance(two, Tile)
        assert isinstance(scale, Scale)
    # |1 - 3| = 2, |1 - 2| = 1, |5 - 3| = 2, |5 - 2| = 3: the 98th percentile is that of all
    assert rows["depth: absolute error"][5].high == pytest.approx(3)
    assert (rows["semantic: wrong labels"][3].pixels == (213, 94, 0)).all()


def test_outlines_are_where_labels_meet() -> None:
    image = np.zeros((3, 4, 3), np.uint8)
    labels = np.zeros((3, 4, 3), np.uint8)
    labels[:, 2:] = (255, 0, 0)
    drawn = contours(image, labels)
    assert (drawn[:, 1] == 0).all()
    assert (drawn[:, 2] == (255, 0, 0)).all()
    assert (drawn[:, [0, 3]] == 102).all()  # the image, paler
