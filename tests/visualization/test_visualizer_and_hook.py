from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.registry import HOOKS, VISUALIZERS
from PIL import Image
from torch.utils.data import Dataset

import mtlplugins  # noqa: F401
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import MultiTaskVisualizationHook, MultiTaskVisualizer, draw_panel

TASKS = {"depth": {"kind": "depth"}}
RED = (250, 10, 20)


def sample(path: str | None = None, shape: tuple[int, int] = (6, 8)) -> MultiTaskDataSample:
    result = MultiTaskDataSample(metainfo={"ori_shape": shape})
    if path is not None:
        result.set_metainfo({"img_path": path})
    result.gt_depth = PixelData(data=torch.rand(1, *shape) + 1)
    result.pred_depth = PixelData(data=torch.rand(1, *shape) + 1)
    return result


def make_image(height: int = 6, width: int = 8) -> np.ndarray:
    return np.full((height, width, 3), RED, dtype=np.uint8)


def as_input(image: np.ndarray) -> torch.Tensor:
    """RGB (H, W, 3) to what the data loader gives: BGR (3, H, W)."""
    return torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)


@pytest.fixture
def visualizer(tmp_path) -> MultiTaskVisualizer:
    built = VISUALIZERS.build(
        {
            "type": "MultiTaskVisualizer",
            "name": tmp_path.name,
            "vis_backends": [{"type": "LocalVisBackend"}, {"type": "TensorboardVisBackend"}],
            "save_dir": str(tmp_path / "backends"),
        }
    )
    built.dataset_meta = {"tasks": TASKS}
    yield built
    built.close()


class Recorder:
    """Stands for the visualizer and keeps what it is asked to draw."""

    def __init__(self) -> None:
        self.calls: list[dict] = []

    def add_datasample(self, name, image, **arguments):
        self.calls.append({"name": name, "image": image, **arguments})


def runner_of(visualizer: Recorder, folder: Path, iteration: int = 40) -> SimpleNamespace:
    return SimpleNamespace(visualizer=visualizer, log_dir=str(folder), iter=iteration)


def test_panel_reaches_file_and_backends(visualizer, tmp_path):
    one = sample()
    out_file = tmp_path / "deep" / "panel.png"
    panel = visualizer.add_datasample("val_0001", make_image(), one, out_file=out_file, step=7)
    assert np.array_equal(panel, draw_panel(make_image(), one, TASKS))
    assert np.array_equal(np.asarray(Image.open(out_file)), panel)
    local = tmp_path / "backends" / "vis_data" / "vis_image" / "val_0001_7.png"
    assert np.array_equal(np.asarray(Image.open(local)), panel)
    visualizer.get_backend("TensorboardVisBackend").experiment.flush()
    events = list((tmp_path / "backends").rglob("events.out.tfevents*"))
    assert len(events) == 1
    content = events[0].read_bytes()
    assert b"val_0001" in content
    assert b"\x89PNG" in content
    assert visualizer.get_image().shape == panel.shape


def test_no_backends_and_no_sample():
    bare = MultiTaskVisualizer()
    assert np.array_equal(
        bare.add_datasample("x", make_image()), draw_panel(make_image(), None, {})
    )


def test_unknown_tasks_are_an_error():
    with pytest.raises(RuntimeError, match="does not know the tasks"):
        MultiTaskVisualizer().add_datasample("x", make_image(), sample())


def test_hook_draws_every_interval_th_image(tmp_path):
    recorder = Recorder()
    hook = HOOKS.build(
        {"type": "MultiTaskVisualizationHook", "draw": True, "interval": 3, "show_dir": "panels"}
    )
    runner = runner_of(recorder, tmp_path)
    for _ in range(2):  # each epoch counts from 0
        hook.before_val_epoch(runner)
        for batch in range(2):
            outputs = [sample(f"rooms/{batch}{index}.jpg") for index in range(4)]
            inputs = {"inputs": [as_input(make_image())] * 4}
            hook.after_val_iter(runner, batch, inputs, outputs)
    names = [call["name"] for call in recorder.calls]
    assert names == ["val_00", "val_03", "val_12"] * 2  # images 0, 3 and 6
    first = recorder.calls[0]
    assert first["out_file"] == tmp_path / "panels" / "val_00_40.png"
    assert first["step"] == 40
    assert np.array_equal(first["image"], make_image())


def test_hook_keeps_equal_stems_apart(tmp_path):
    recorder = Recorder()
    hook = MultiTaskVisualizationHook(draw=True, interval=1)
    hook.before_test_epoch(None)
    paths = ["a/0.jpg", "b/0.jpg", "c/0.jpg", "c/0-1.jpg", None, None]
    outputs = [sample(path) for path in paths]
    inputs = {"inputs": [as_input(make_image())] * len(paths)}
    hook.after_test_iter(runner_of(recorder, tmp_path), 0, inputs, outputs)
    names = [call["name"] for call in recorder.calls]
    assert names == [
        "test_0", "test_0-1", "test_0-2", "test_0-1-1", "test_image", "test_image-1",
    ]  # fmt: skip
    assert all(call["out_file"] is None for call in recorder.calls)


def test_hook_reads_the_file_else_restores_the_input(tmp_path):
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(stored).save(tmp_path / "there.png")
    small = cv2.resize(make_image(), (4, 3))
    recorder = Recorder()
    hook = MultiTaskVisualizationHook(draw=True, interval=1)
    outputs = [sample(str(tmp_path / "there.png")), sample(str(tmp_path / "gone.png"))]
    runner = runner_of(recorder, tmp_path)
    hook.after_test_iter(runner, 0, {"inputs": [as_input(small)] * 2}, outputs)
    assert np.array_equal(recorder.calls[0]["image"], stored)
    assert np.array_equal(recorder.calls[1]["image"], make_image())  # RGB, and as large as the maps


def test_hook_refuses_to_guess_the_colours_of_a_normalised_input(tmp_path):
    hook = MultiTaskVisualizationHook(draw=True)
    batch = {"inputs": [as_input(make_image()).float()]}
    with pytest.raises(TypeError, match=r"cannot draw image gone.png: .* torch.float32"):
        hook.after_val_iter(runner_of(Recorder(), tmp_path), 0, batch, [sample("gone.png")])


def test_hook_switched_off_draws_nothing(tmp_path):
    recorder = Recorder()
    hook = MultiTaskVisualizationHook()
    hook.after_val_iter(runner_of(recorder, tmp_path), 0, {"inputs": []}, [sample()])
    assert recorder.calls == []
    with pytest.raises(ValueError, match="interval must be >= 1"):
        MultiTaskVisualizationHook(interval=0)


class Images(Dataset):
    """Three images that lie in no file."""

    metainfo = {"tasks": TASKS}

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> dict:
        return {"inputs": as_input(make_image()), "data_samples": sample(f"rooms/{index}.jpg")}


class Echo(BaseModel):
    """Returns the samples it is given, and fails if its inputs were not normalised."""

    def forward(self, inputs, data_samples=None, mode="predict"):
        assert inputs.dtype == torch.float32
        assert inputs.abs().max() < 3
        return data_samples


def test_runner_writes_panels_of_unnormalised_images(tmp_path):
    runner = Runner(
        model=Echo(
            {
                "type": "mmengine.ImgDataPreprocessor",
                "mean": [127.5] * 3,
                "std": [127.5] * 3,
                "bgr_to_rgb": True,
            }
        ),
        work_dir=str(tmp_path),
        test_dataloader={
            "dataset": Images(),
            "batch_size": 2,
            "sampler": {"type": "DefaultSampler", "shuffle": False},
            "collate_fn": {"type": "pseudo_collate"},
        },
        test_cfg={},
        test_evaluator={"type": "MultiTaskDepthMetric"},
        custom_hooks=[
            {
                "type": "MultiTaskVisualizationHook",
                "draw": True,
                "interval": 2,
                "show_dir": "panels",
            }
        ],
        visualizer={"type": "MultiTaskVisualizer", "name": "of_the_runner"},
        default_scope="mmseg",
        experiment_name="panels",
        log_level="WARNING",
    )
    metrics = runner.test()
    folder = tmp_path / runner.timestamp / "panels"
    assert sorted(path.name for path in folder.iterdir()) == ["test_0_0.png", "test_2_0.png"]
    panel = np.asarray(Image.open(folder / "test_0_0.png"))
    assert (panel == RED).all(-1).sum() == 240 * 320
    assert 0 < metrics["depth/abs_err"] < 1
