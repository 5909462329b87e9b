from __future__ import annotations

import matplotlib
import numpy as np
import pytest
import torch
from mmengine.structures import LabelData, PixelData

import mtlplugins  # noqa: F401
from mtlplugins.kinds import get_part
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import canvas, draw_panel, image_drawers

SIZE = (240, 320)
CLASSES = ("bed", "chair", "floor", "wall")
PALETTE = [[200, 10, 10], [10, 200, 10], [10, 10, 200], [120, 60, 240]]
SEMANTIC = {"kind": "segmentation", "classes": CLASSES, "palette": PALETTE, "ignore_index": 255}
SCENE = {"kind": "classification", "classes": ("bath", "bedroom", "kitchen", "office", "store")}
TASKS = {
    "semantic": SEMANTIC,
    "depth": {"kind": "depth"},
    "normals": {"kind": "normals"},
    "scene": SCENE,
}


def dense(values) -> PixelData:
    data = torch.as_tensor(values)
    return PixelData(data=data if data.ndim == 3 else data[None])


def full_sample() -> MultiTaskDataSample:
    sample = MultiTaskDataSample()
    sample.gt_semantic = dense([[0, 1], [2, 255]])
    sample.pred_semantic = dense([[0, 1], [2, 3]])
    sample.gt_depth = dense([[1.0, 2.0], [3.0, 0.0]])
    sample.pred_depth = dense([[1.5, 2.5], [9.0, 0.5]])
    sample.gt_normals = dense(torch.tensor([0.0, 0.6, -0.8]).view(3, 1, 1).repeat(1, 2, 2))
    sample.pred_normals = dense(torch.tensor([0.0, 0.0, -1.0]).view(3, 1, 1).repeat(1, 2, 2))
    sample.gt_scene = LabelData(label=torch.tensor([1]))
    sample.pred_scene = LabelData(score=torch.tensor([0.1, 0.5, 0.2, 0.15, 0.05]))
    return sample


def image(height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def quarters(tile: np.ndarray) -> list[list[int]]:
    """Colours in the middles of the tile's four quarters, row by row."""
    height, width = tile.shape[:2]
    return [
        tile[int(y * height), int(x * width)].tolist() for y in (0.25, 0.75) for x in (0.25, 0.75)
    ]


def colours(tile: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, tile.reshape(-1, 3).tolist()))


def contains(panel: np.ndarray, tile: np.ndarray) -> bool:
    """Whether the tile lies somewhere in the panel, pixel for pixel."""
    panel, tile = (image.astype(np.int64) @ [65536, 256, 1] for image in (panel, tile))
    height, width = tile.shape
    numbers, counts = np.unique(panel, return_counts=True)
    frequency = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    seen = np.vectorize(lambda number: frequency.get(number, 0))(tile)
    # The tile's pixel that is rarest in the panel leaves the fewest places to look at.
    y, x = np.unravel_index(seen.argmin(), seen.shape)
    places = np.argwhere(panel == tile[y, x]) - (y, x)
    last = np.subtract(panel.shape, tile.shape)
    places = places[((places >= 0) & (places <= last)).all(1)]
    for row, column in places:
        if np.array_equal(panel[row : row + height, column : column + width], tile):
            return True
    return False


def test_labels_have_the_palette_s_colours():
    sample = full_sample()
    truth, prediction, key = get_part("segmentation", "drawer")(
        sample.gt_semantic, sample.pred_semantic, SEMANTIC, SIZE
    )
    assert truth.shape == prediction.shape == (*SIZE, 3)
    assert quarters(truth) == [*PALETTE[:3], [255, 255, 255]]
    assert quarters(prediction) == PALETTE
    # Enlarging must not mix colours.
    assert colours(prediction) == set(map(tuple, PALETTE))
    assert set(map(tuple, PALETTE)) <= colours(key)


def test_legend_names_only_the_classes_that_occur():
    only_wall = get_part("segmentation", "drawer")(None, dense([[3, 3]]), SEMANTIC, SIZE)
    assert only_wall.truth is None
    assert np.array_equal(only_wall.key, canvas.legend([("wall", PALETTE[3])], SIZE[0]))
    both = get_part("segmentation", "drawer")(dense([[0]]), dense([[3]]), SEMANTIC, SIZE)
    assert np.array_equal(
        both.key, canvas.legend([("bed", PALETTE[0]), ("wall", PALETTE[3])], SIZE[0])
    )


def test_long_legend_stays_within_the_tile_and_loses_nobody():
    entries = [(f"class {index}", (index, 0, 255 - index)) for index in range(40)]
    key = canvas.legend(entries, 240)
    assert key.shape[0] <= 240
    assert {colour for _, colour in entries} <= colours(key)


def test_depth_colours_are_the_map_s_on_the_ground_truth_s_scale():
    sample = full_sample()
    truth, prediction, _ = get_part("depth", "drawer")(sample.gt_depth, sample.pred_depth, {}, SIZE)

    def viridis(share: float) -> list[int]:
        return [round(255 * c) for c in matplotlib.colormaps["viridis"](share)[:3]]

    # The truth spans 1 to 3 metres; its 0 is missing and black.
    assert quarters(truth) == [viridis(0.0), viridis(0.5), viridis(1.0), [0, 0, 0]]
    expected = [viridis(0.25), viridis(0.75), viridis(1.0), viridis(0.0)]  # 9 and 0.5 are clipped
    for got, wanted in zip(quarters(prediction), expected, strict=True):
        assert got == pytest.approx(wanted, abs=2)


def test_scale_bar_names_its_limits():
    sample = full_sample()
    _, _, key = get_part("depth", "drawer")(sample.gt_depth, sample.pred_depth, {}, SIZE)
    for label in ("≥ 3.00 m", "2.50 m", "2.00 m", "1.50 m", "≤ 1.00 m", "missing"):
        assert contains(key, canvas.text(label)), label
    bar = key[:, 9]
    coloured = bar[(bar != 255).any(1)]
    assert coloured[0].tolist() == [253, 231, 37]  # viridis ends in yellow, begins in violet
    assert [68, 1, 84] in coloured.tolist()
    _, _, alone = get_part("depth", "drawer")(sample.gt_depth, None, {}, SIZE)
    assert contains(alone, canvas.text("3.00 m"))
    assert not contains(alone, canvas.text("≥ 3.00 m"))


def test_scale_bar_of_a_huge_range_is_not_cut():
    _, _, key = get_part("depth", "drawer")(None, dense([[0.5, 123456.0]]), {}, (30, 300))
    assert contains(key, canvas.text("123456.00 m"))


@pytest.mark.parametrize("value", [0.0, 4.0, float("nan")])
def test_depth_without_a_range_can_be_drawn(value):
    depth = dense([[value, value]])
    truth, _, _ = get_part("depth", "drawer")(depth, None, {}, SIZE)
    assert colours(truth) == {(68, 1, 84) if value == 4.0 else (0, 0, 0)}


def test_normals_are_shifted_to_colours():
    normals = torch.zeros(3, 2, 2)
    normals[:, 0, 0] = torch.tensor([0.0, 0.0, -1.0])
    normals[:, 0, 1] = torch.tensor([1.0, 0.0, 0.0])
    normals[:, 1, 0] = torch.tensor([0.0, -0.6, -1.0])
    truth, _, key = get_part("normals", "drawer")(dense(normals), None, {}, SIZE)
    assert quarters(truth) == [[128, 128, 0], [255, 128, 128], [128, 51, 0], [0, 0, 0]]
    assert key[60, 60].tolist() == pytest.approx([128, 128, 0], abs=2)  # the ball's nearest point
    assert contains(key, canvas.text("missing"))


def test_scores_are_ordered_and_the_ground_truth_is_marked():
    sample = full_sample()
    draw = get_part("classification", "drawer")
    truth, prediction, _ = draw(sample.gt_scene, sample.pred_scene, SCENE, ())
    green = image_drawers.CORRECT
    assert contains(truth, canvas.text("bedroom", bold=True, colour=green))
    lines = [
        canvas.text("bedroom ✓", bold=True, colour=green),
        canvas.text("50.0 %", bold=True, colour=green),
        canvas.text("kitchen"),
        canvas.text("20.0 %"),
        canvas.text("office"),
    ]
    assert all(contains(prediction, line) for line in lines)
    assert not contains(prediction, canvas.text("bath"))
    line = lines[0].shape[0]
    assert contains(prediction[:line], lines[0])  # the best score is on top
    assert contains(prediction[line:], lines[2])


def test_a_true_class_outside_the_best_scores_is_added():
    sample = full_sample()
    sample.gt_scene = LabelData(label=torch.tensor([4]))
    draw = get_part("classification", "drawer")
    _, prediction, _ = draw(sample.gt_scene, sample.pred_scene, SCENE, ())
    assert contains(prediction, canvas.text("store ✓", bold=True, colour=image_drawers.CORRECT))


def test_panel_holds_every_tile_of_every_task():
    sample = full_sample()
    panel = draw_panel(image(), sample, TASKS)
    assert panel.dtype == np.uint8
    assert contains(panel, canvas.resize(image(), SIZE, smooth=True))
    for task, entry in TASKS.items():
        fields = (sample.get(f"gt_{task}"), sample.get(f"pred_{task}"))
        for tile in get_part(entry["kind"], "drawer")(*fields, entry, SIZE):
            assert contains(panel, tile), task
        for column in ("truth", "prediction"):
            title = canvas.text(f"{task}: {column}", size=canvas.TITLE_SIZE, bold=True)
            assert contains(panel, title)


def test_ground_truth_is_left_of_the_prediction():
    sample = MultiTaskDataSample()
    sample.gt_semantic, sample.pred_semantic = dense([[0]]), dense([[1]])
    panel = draw_panel(image(), sample, TASKS)
    columns = [np.flatnonzero((panel == colour).all(-1).sum(0) == 240) for colour in PALETTE[:2]]
    assert len(columns[0]) == len(columns[1]) == 320
    assert columns[0].max() < columns[1].min()


def test_missing_columns_say_so():
    sample = full_sample()
    del sample.gt_depth, sample.pred_normals, sample.gt_scene
    panel = draw_panel(image(), sample, TASKS)
    words = [canvas.message(line, SIZE) for line in ("no target", "no prediction")]
    assert all(contains(panel, tile) for tile in words)
    complete = draw_panel(image(), full_sample(), TASKS)
    assert not any(contains(complete, tile) for tile in words)


def test_columns_can_be_left_out():
    sample = full_sample()
    both = draw_panel(image(), sample, TASKS)
    truth = draw_panel(image(), sample, TASKS, draw_pred=False)
    prediction = draw_panel(image(), sample, TASKS, draw_gt=False)
    neither = draw_panel(image(), sample, TASKS, draw_gt=False, draw_pred=False)
    assert neither.shape == draw_panel(image(), None, TASKS).shape
    assert neither.shape[1] < truth.shape[1] < both.shape[1]
    assert neither.shape[1] < prediction.shape[1] < both.shape[1]
    title = canvas.text("depth: prediction", size=canvas.TITLE_SIZE, bold=True)
    assert contains(prediction, title)
    assert not contains(truth, title)


def test_tasks_that_the_sample_has_not_are_left_out():
    sample = full_sample()
    for task in ("semantic", "normals", "scene"):
        del sample[f"gt_{task}"], sample[f"pred_{task}"]
    only_depth = draw_panel(image(), sample, {"depth": TASKS["depth"]})
    assert np.array_equal(draw_panel(image(), sample, TASKS), only_depth)


@pytest.mark.parametrize("shape", [(32, 32), (1080, 1920), (40, 2000), (900, 30)])
def test_any_image_size_gives_a_readable_panel(shape):
    panel = draw_panel(image(*shape), full_sample(), TASKS)
    assert 240 < panel.shape[0] < 2500
    assert 400 < panel.shape[1] < 2500
    for line in ("≥ 3.00 m", "missing"):
        assert contains(panel, canvas.text(line))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("gt_semantic", dense([[4]]), r"task 'semantic': labels \[4\] are outside the 4 classes"),
        ("pred_semantic", dense([[-1]]), r"task 'semantic': labels \[-1\]"),
        ("gt_scene", LabelData(label=torch.tensor([7])), "task 'scene': label 7 is outside the 5"),
        ("pred_scene", LabelData(score=torch.ones(3)), r"task 'scene': \(3,\) scores do not fit"),
    ],
)
def test_fields_that_do_not_fit_are_errors(field, value, message):
    sample = full_sample()
    setattr(sample, field, value)
    with pytest.raises(ValueError, match=message):
        draw_panel(image(), sample, TASKS)


def test_unknown_kind_is_an_error():
    tasks = {"depth": {"kind": "height"}}
    with pytest.raises(ValueError, match="task 'depth': kind 'height' has no drawer, only "):
        draw_panel(image(), full_sample(), tasks)


def test_palette_must_match_the_classes():
    tasks = {"semantic": {**SEMANTIC, "palette": PALETTE[:2]}}
    with pytest.raises(ValueError, match="task 'semantic': 2 colours in the palette for 4 classes"):
        draw_panel(image(), full_sample(), tasks)


@pytest.mark.parametrize("bad", [image()[..., 0], image().astype(np.float32), image()[..., :2]])
def test_image_must_be_uint8_rgb(bad):
    with pytest.raises(ValueError, match="expected a uint8 RGB image"):
        draw_panel(bad, None, {})


def test_half_precision_predictions_are_drawn():
    half = get_part("depth", "drawer")(None, dense([[1.0, 2.0]]).to(torch.bfloat16), {}, SIZE)
    full = get_part("depth", "drawer")(None, dense([[1.0, 2.0]]), {}, SIZE)
    assert np.array_equal(half.prediction, full.prediction)


def test_several_labels_and_numbers_are_written_out():
    entry = dict(kind="multilabel", classes=SCENE["classes"])
    truth = LabelData(label=torch.tensor([0, 1, 0, 0, 1]))
    scores = LabelData(score=torch.tensor([0.9, 0.7, 0.6, 0.2, 0.1]), label=torch.zeros(5))
    true, predicted, _ = get_part("multilabel", "drawer")(truth, scores, entry, ())
    for name in ("bedroom", "store"):
        assert contains(true, canvas.text(name, bold=True, colour=image_drawers.CORRECT))
        line = canvas.text(f"{name} ✓", bold=True, colour=image_drawers.CORRECT)
        assert contains(predicted, line)  # the store though its score is the lowest
    assert contains(predicted, canvas.text("bath"))
    assert not contains(predicted, canvas.text("office"))
    none = LabelData(label=torch.zeros(5, dtype=torch.int64))
    tile, prediction, _ = get_part("multilabel", "drawer")(none, None, entry, ())
    assert contains(tile, canvas.text("none", bold=True, colour=image_drawers.CORRECT))
    assert prediction is None
    with pytest.raises(ValueError, match="2 labels do not fit the 5 classes"):
        get_part("multilabel", "drawer")(LabelData(label=torch.zeros(2)), None, entry, ())

    draw = get_part("regression", "drawer")
    one = dict(kind="regression", names=("age",), unit="years")
    tiles = draw(LabelData(numbers=torch.tensor([23.5])), None, one, ())
    assert contains(tiles.truth, canvas.text("23.5 years"))
    two = dict(kind="regression", names=("x", "y"))
    tiles = draw(None, LabelData(numbers=torch.tensor([1.0, -0.25])), two, ())
    assert contains(tiles.prediction, canvas.text("y: -0.25"))
