"""Predictions are written for test data without ground truth and task descriptions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from PIL import Image

from mtlplugins.apis.test import described_tasks
from mtlplugins.datasets import DepthMap
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import SavePredictionsHook, prediction_files, save_predictions

TASKS = dict(semantic=dict(kind="segmentation", classes=("a", "b", "c")), depth=dict(kind="depth"))


def runner(predicted: tuple[str, ...], tasks: dict) -> SimpleNamespace:
    dataset = SimpleNamespace(metainfo=dict(tasks=tasks))
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    return SimpleNamespace(test_loop=loop, model=SimpleNamespace(predicted_tasks=predicted))


def sample() -> MultiTaskDataSample:
    made = MultiTaskDataSample(metainfo=dict(name="room/7", img_path="room/7.jpg"))
    made.pred_semantic = PixelData(data=torch.full((1, 4, 6), 2))
    made.pred_depth = PixelData(data=torch.full((1, 4, 6), 1.25))
    return made


def test_the_checkpoint_describes_what_the_data_do_not(tmp_path: Path) -> None:
    hook = SavePredictionsHook(str(tmp_path), described=TASKS)
    run = runner(("semantic", "depth"), {})
    hook.before_test(run)
    hook.after_test_iter(run, 0, outputs=[sample()])
    hook.after_test(run)
    assert (np.array(Image.open(tmp_path / "semantic/room/7.png")) == 2).all()
    assert (np.array(Image.open(tmp_path / "depth/room/7.png")) == 1250).all()


def test_what_nobody_describes_is_an_error_before_the_test(tmp_path: Path) -> None:
    hook = SavePredictionsHook(str(tmp_path), described=dict(depth=TASKS["depth"]))
    with pytest.raises(ValueError, match="predictions of semantic cannot be written"):
        hook.before_test(runner(("semantic", "depth"), {}))


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    hook = SavePredictionsHook(str(tmp_path))
    run = runner((), {})
    hook.before_test(run)
    hook.after_test_iter(run, 0, outputs=[MultiTaskDataSample(metainfo=dict(name="7"))])
    with pytest.raises(ValueError, match="nothing was written"):
        hook.after_test(run)


@pytest.mark.parametrize("meta", [None, [], {}, dict(dataset_meta=3), dict(dataset_meta=dict())])
def test_checkpoints_that_describe_nothing(meta) -> None:
    assert described_tasks(meta) == {}


def test_descriptions_of_a_checkpoint() -> None:
    tasks = TASKS | dict(other="no dict", more=dict(classes=1))
    assert described_tasks(dict(dataset_meta=dict(tasks=tasks))) == TASKS


def test_depth_is_written_in_the_unit_of_the_data(tmp_path: Path, monkeypatch) -> None:
    """KITTI's 80 m are more than 16 bits of millimetres hold."""
    said: list[str] = []
    monkeypatch.setattr(prediction_files, "print_log", lambda text, **_: said.append(text))
    far = MultiTaskDataSample()
    far.pred_depth = PixelData(data=torch.tensor([[[2.5, 80.0]]]))
    entry = DepthMap(unit=1 / 256).meta()
    save_predictions(far, dict(depth=entry), tmp_path, "kitti")
    assert np.array(Image.open(tmp_path / "depth/kitti.png")).tolist() == [[640, 20480]]
    assert said == []
    save_predictions(far, dict(depth=dict(kind="depth")), tmp_path, "far")
    assert np.array(Image.open(tmp_path / "depth/far.png")).tolist() == [[2500, 65535]]
    assert "1 of 2 depths are beyond 65.5 m" in said[0]


def test_floats_and_mixed_units_are_written_in_millimetres() -> None:
    assert "file_unit" not in DepthMap(suffix=".npy", unit=1.0).meta()
