"""Targets from which a task cannot be learned are reported with counts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mtlplugins.datasets import MultiTaskDataset, RoomsDataset
from mtlplugins.engine import CheckTasksHook
from mtlplugins.engine.guards import doubtful_targets as module
from mtlplugins.engine.guards.doubtful_targets import doubtful_targets
from tests._data import make_image, write, write_labels

CLASSES = ("rest", "road", "car")


def dataset(root: Path, labels: list[np.ndarray], scenes: tuple[str, ...] = ("a", "b")):
    for number, values in enumerate(labels):
        write(root / f"image/{number}.jpg", make_image(number, size=values.shape))
        write(root / f"labels/{number}.png", values.astype(np.uint8))
        depth = np.full(values.shape, 1500 + number, np.uint16)
        write(root / f"depth/{number}.png", depth)
    chosen = {str(n): scenes[n % len(scenes)] for n in range(len(labels))}
    write_labels(root / "scenes.json", chosen)
    targets = dict(
        semantic=dict(type="LabelMap", folder="labels", classes=CLASSES),
        depth=dict(type="DepthMap", folder="depth"),
        scene=dict(type="ImageLabel", file="scenes.json"),
    )
    return MultiTaskDataset(str(root), targets)


def label_map(*labels: int) -> np.ndarray:
    """A map of four columns of each label."""
    return np.repeat([labels], 4, axis=1).repeat(5, axis=0)


def test_targets_with_all_they_declare_raise_no_doubt(tmp_path: Path) -> None:
    data = dataset(tmp_path, [label_map(0, 1, 255), label_map(2, 2, 0)])
    assert list(doubtful_targets(data, ("semantic", "depth", "scene"))) == []


def test_classes_that_never_occur_are_counted_with_what_is_there_instead(tmp_path: Path) -> None:
    data = dataset(tmp_path, [label_map(0, 0, 255, 2), label_map(255, 255, 0, 2)])
    (doubt,) = doubtful_targets(data, ("semantic", "depth"))
    assert "task 'semantic': 1 of its 3 classes never occur in the 2 images" in doubt
    assert "road" in doubt
    assert "'road', write its index 1" in doubt
    # 8 columns of 4 pixels each are shared out 3 : 2 : 3
    assert "rest 37.5%, car 25.0%, no truth (255) 37.5%" in doubt


def test_a_task_of_one_value_is_named(tmp_path: Path) -> None:
    values = [label_map(0, 1, 2), label_map(0, 1, 2)]
    data = dataset(tmp_path, values, scenes=("only",))
    for number in range(2):
        write(tmp_path / f"depth/{number}.png", np.full((5, 12), 2000, np.uint16))
    depth, scene = doubtful_targets(data, ("depth", "scene"))
    assert "task 'depth': its only value in the 2 images with this target is 2;" in depth
    assert "task 'scene': its only value" in scene
    assert "only 100.0%" in scene


def test_what_nobody_trains_is_not_read(tmp_path: Path) -> None:
    data = dataset(tmp_path, [label_map(0, 0)], scenes=("only",))
    assert list(doubtful_targets(data, ())) == []


def test_broken_files_are_left_to_the_training(tmp_path: Path) -> None:
    data = dataset(tmp_path, [label_map(0, 1, 2), label_map(0, 1, 2)])
    for number in range(2):
        (tmp_path / f"labels/{number}.png").write_bytes(b"none")
    assert list(doubtful_targets(data, ("semantic",))) == []


def test_rooms_are_not_rendered_for_it() -> None:
    data = RoomsDataset(2)
    data.get_data_info = None
    assert list(doubtful_targets(data, ("semantic", "scene"))) == []


def test_large_data_are_sampled_and_reading_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = dataset(tmp_path, [label_map(0, 1)] * 9)
    monkeypatch.setattr(module, "_MOST", 4)
    (doubt,) = doubtful_targets(data, ("semantic",))
    assert "never occur in 4 images looked at of 9" in doubt
    read = []
    monkeypatch.setattr(data, "get_data_info", lambda i: read.append(i) or {})
    list(doubtful_targets(data, ("semantic",)))
    assert len(read) == 4


def test_a_training_begins_with_the_warning(tmp_path: Path, monkeypatch) -> None:
    data = dataset(tmp_path, [label_map(0, 0, 255, 2)])
    model = SimpleNamespace(
        trained_tasks=("semantic",), frozen_tasks=(), heads=dict(semantic=SimpleNamespace())
    )
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=data))
    said = []
    monkeypatch.setattr(
        "mtlplugins.engine.guards.check_tasks_hook.print_log",
        lambda text, **options: said.append((text, options["level"])),
    )
    CheckTasksHook().before_train(SimpleNamespace(model=model, train_loop=loop, val_loop=None))
    ((text, level),) = said
    assert "never occur" in text
    assert level == 30


def test_depth_in_another_unit_than_the_heads_is_named(tmp_path: Path) -> None:
    """1.5 m in steps of millimetres, read in steps of metres, and the other way round."""
    data = dataset(tmp_path, [label_map(0, 1, 2), label_map(1, 2, 0)])
    head = dict(type="DepthHead", min_depth=0.5, max_depth=10.0)
    assert list(doubtful_targets(data, ("depth",), dict(depth=head))) == []
    target = data.target_types["depth"]
    for unit in (1.0, 1e-6):
        target.unit = unit
        (doubt,) = doubtful_targets(data, ("depth",), dict(depth=head))
        assert "task 'depth': 100.0% of its values lie outside of 0.5 to 10 m" in doubt
        assert f"with unit={unit:g}: correct" in doubt
