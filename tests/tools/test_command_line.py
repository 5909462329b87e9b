"""The tools from train to predict, on a few small rooms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mtlplugins.apis.train import _has_bfloat16
from mtlplugins.rooms.renderer import render_room
from tests.tools.command import ROOT, run_tool

CONFIG = ROOT / "configs/rooms/swin_cond_rooms.py"
SMALL = (
    "train_dataloader.dataset.length=8",
    "val_dataloader.dataset.length=5",
    "test_dataloader.dataset.length=5",
    *(f"{part}_dataloader.num_workers=0" for part in ("train", "val", "test")),
    *(f"{part}_dataloader.persistent_workers=False" for part in ("train", "val", "test")),
    "model.backbone.depths=(2,2,2,2)",
    "model.backbone.plan.attention=(0,0,2,2)",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Train two epochs once for all tests of this file."""
    work_dir = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        run_tool(patch, "train.py", CONFIG, "--work-dir", work_dir, "--cfg-options", *SMALL)
    return work_dir


def scores_of(work_dir: Path) -> dict[str, float]:
    """The scores that a test run wrote."""
    files = sorted(work_dir.glob("*/*.json"), key=lambda p: p.stat().st_mtime)
    return json.loads(files[-1].read_text().splitlines()[-1])


def test_training_leaves_a_checkpoint_that_describes_its_tasks(trained: Path) -> None:
    checkpoint = torch.load(trained / "epoch_2.pth", map_location="cpu", weights_only=True)
    assert set(checkpoint["meta"]["dataset_meta"]["tasks"]) == {"semantic", "depth", "scene"}
    assert checkpoint["meta"]["epoch"] == 2


@pytest.mark.slow
def test_resuming_continues_where_it_stopped(trained: Path, tmp_path, monkeypatch) -> None:
    """Two epochs and two more equal four epochs in one go, to the bit."""
    options = [*SMALL, "train_cfg.max_epochs=4", "train_cfg.val_interval=9"]
    run_tool(
        monkeypatch, "train.py", CONFIG, "--work-dir", tmp_path / "a", "--cfg-options", *options
    )
    whole = torch.load(tmp_path / "a/epoch_4.pth", map_location="cpu", weights_only=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "a/epoch_3.pth").rename(tmp_path / "b/epoch_3.pth")
    (tmp_path / "b/last_checkpoint").write_text(str(tmp_path / "b/epoch_3.pth"))
    run_tool(
        monkeypatch,
        "train.py",
        CONFIG,
        "--resume",
        "--work-dir",
        tmp_path / "b",
        "--cfg-options",
        *options,
    )
    resumed = torch.load(tmp_path / "b/epoch_4.pth", map_location="cpu", weights_only=True)
    assert whole["state_dict"].keys() == resumed["state_dict"].keys()
    for name, value in whole["state_dict"].items():
        assert torch.equal(value, resumed["state_dict"][name]), name


@pytest.mark.parametrize(("gpu", "native"), [(False, False), (True, True), (True, False)])
def test_amp_needs_bfloat16_of_a_gpu_alone(gpu: bool, native: bool, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: native)
    assert _has_bfloat16() == (native or not gpu)


@pytest.mark.slow
def test_amp_trains_in_bfloat16_on_this_machine(tmp_path, monkeypatch) -> None:
    options = [*SMALL, "train_cfg.max_epochs=1", "train_cfg.val_interval=9"]
    run_tool(
        monkeypatch, "train.py", CONFIG, "--amp", "--work-dir", tmp_path, "--cfg-options", *options
    )
    state = torch.load(tmp_path / "epoch_1.pth", map_location="cpu", weights_only=True)
    weights = state["state_dict"].values()
    assert all(
        w.dtype == torch.float32 and w.isfinite().all() for w in weights if w.is_floating_point()
    )
    assert "Bf16OptimWrapper" in next(tmp_path.glob("*.py")).read_text()


def test_testing_scores_draws_and_writes(trained: Path, tmp_path, monkeypatch) -> None:
    run_tool(
        monkeypatch,
        "test.py",
        CONFIG,
        trained / "epoch_2.pth",
        "--work-dir",
        tmp_path / "work",
        "--out",
        tmp_path / "out",
        "--show-dir",
        tmp_path / "show",
        "--cfg-options",
        *SMALL,
    )
    scores = scores_of(tmp_path / "work")
    assert {"semantic/mIoU", "depth/d1", "scene/top1"} <= set(scores)
    assert len(list((tmp_path / "show").glob("*.png"))) == 5
    # the depth files are what the score was made of
    errors, count = 0.0, 0
    for i in range(5):
        truth = render_room(1, i, size=(64, 96)).depth
        millimetres = np.array(Image.open(tmp_path / f"out/depth/{i:06d}.png"))
        assert millimetres.dtype == np.uint16
        errors += np.abs(millimetres / 1000 - truth).sum()
        count += truth.size
        labels = np.array(Image.open(tmp_path / f"out/semantic/{i:06d}.png"))
        assert labels.shape == (64, 96)
        assert labels.max() < 14
        scene = json.loads((tmp_path / f"out/scene/{i:06d}.json").read_text())
        assert sum(scene["scores"].values()) == pytest.approx(1, abs=1e-4)
    assert scores["depth/abs_err"] == pytest.approx(errors / count, abs=1e-3)


def test_testing_some_tasks(trained: Path, tmp_path, monkeypatch) -> None:
    arguments = (CONFIG, trained / "epoch_2.pth", "--work-dir", tmp_path, "--tasks", "depth")
    run_tool(monkeypatch, "test.py", *arguments, "--cfg-options", *SMALL)
    assert {name.split("/")[0] for name in scores_of(tmp_path) if "/" in name} == {"depth"}


def test_testing_with_views(trained: Path, tmp_path, monkeypatch) -> None:
    arguments = (CONFIG, trained / "epoch_2.pth", "--cfg-options", *SMALL, "--work-dir")
    run_tool(monkeypatch, "test.py", *arguments, tmp_path / "one")
    run_tool(monkeypatch, "test.py", *arguments, tmp_path / "both", "--tta")
    one, both = scores_of(tmp_path / "one"), scores_of(tmp_path / "both")
    assert set(one) == set(both)
    assert one["depth/rmse"] != both["depth/rmse"]
    assert np.isfinite([v for name, v in both.items() if "/" in name]).all()


def test_an_unknown_task_is_named(trained: Path, tmp_path, monkeypatch) -> None:
    arguments = (CONFIG, trained / "epoch_2.pth", "--work-dir", tmp_path, "--tasks", "dept")
    with pytest.raises(ValueError, match=r"dept.*semantic, depth, scene"):
        run_tool(monkeypatch, "test.py", *arguments, "--cfg-options", *SMALL)


def test_a_checkpoint_of_another_architecture_is_refused_in_few_words(
    trained: Path, tmp_path, monkeypatch
) -> None:
    arguments = (CONFIG, trained / "epoch_2.pth", "--work-dir", tmp_path)
    options = [*SMALL[:-2], "model.backbone.embed_dims=64"]
    with pytest.raises(ValueError, match="another architecture") as caught:
        run_tool(monkeypatch, "test.py", *arguments, "--cfg-options", *options)
    assert len(str(caught.value)) < 800


def test_predicting_images(trained: Path, tmp_path, monkeypatch) -> None:
    image = tmp_path / "room.jpg"
    Image.fromarray(render_room(3, 0, size=(90, 150)).image).save(image)
    run_tool(
        monkeypatch,
        "predict.py",
        image,
        "--config",
        CONFIG,
        "--checkpoint",
        trained / "epoch_2.pth",
        "--out",
        tmp_path / "out",
        "--tasks",
        "semantic,depth",
        "--cfg-options",
        *SMALL[-2:],
    )
    panel = np.array(Image.open(tmp_path / "out/room.png"))
    assert panel.shape[0] > 240
    assert np.array(Image.open(tmp_path / "out/semantic/room.png")).shape == (90, 150)
    depth = np.array(Image.open(tmp_path / "out/depth/room.png")) / 1000
    assert 0.5 <= depth.min() <= depth.max() <= 10
    assert not (tmp_path / "out/scene").exists()


def test_mmsegs_own_inference_works_on_our_model(trained: Path, tmp_path) -> None:
    from mmseg.apis import inference_model, init_model

    image = tmp_path / "room.png"
    pixels = render_room(3, 1, size=(64, 96)).image
    Image.fromarray(pixels).save(image)
    config = next(trained.glob("*.py"))
    model = init_model(str(config), str(trained / "epoch_2.pth"), device="cpu")
    from_file = inference_model(model, str(image))
    from_array = inference_model(model, np.ascontiguousarray(pixels[..., ::-1]))
    assert from_file.pred_depth.data.shape == (1, 64, 96)
    assert torch.equal(from_file.pred_depth.data, from_array.pred_depth.data)
    assert torch.equal(from_file.pred_semantic.data, from_array.pred_semantic.data)


def test_a_task_named_class(tmp_path, monkeypatch) -> None:
    """A word of Python: MMEngine cannot write a config with it by itself."""
    targets = "{'class': dict(type='ImageLabel', classes=('a', 'b'), file='classes.json')}"
    loaders = "".join(
        f"{part}_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict("
        f"_delete_=True, type='MultiTaskDataset', data_root={str(tmp_path)!r}, targets={targets}, "
        "image=dict(folder='image', suffix='.png'), pipeline=test_pipeline))\n"
        for part in ("train", "val", "test")
    )
    (tmp_path / "mine.py").write_text(
        "_base_ = 'mtlplugins::rooms/swin_cond_rooms.py'\n"
        "tasks = ('class',)\n"
        "head = dict(type='ClassificationHead', in_channels=256, num_classes=2)\n"
        "model = dict(backbone=dict(depths=(1, 1, 1, 1), plan=None), decoders=None,\n"
        "             heads={'class': head, '_delete_': True}, task_weights=None)\n"
        "test_pipeline = [dict(type='LoadMultiTaskImage'), dict(type='LoadTargets'),\n"
        "                 dict(type='PackMultiTask')]\n"
        f"{loaders}"
        "val_evaluator = test_evaluator = [dict(type='MultiTaskAccuracy', task='class')]\n"
        "train_cfg = dict(max_epochs=1)\n"
        "param_scheduler = []\n"
    )
    (tmp_path / "image").mkdir()
    for i in range(2):
        Image.fromarray(render_room(3, i, size=(64, 96)).image).save(tmp_path / f"image/{i}.png")
    described = {"classes": ["a", "b"], "labels": {"0": "a", "1": "b"}}
    (tmp_path / "classes.json").write_text(json.dumps(described))
    run_tool(monkeypatch, "train.py", tmp_path / "mine.py", "--work-dir", tmp_path / "work")
    arguments = (next((tmp_path / "work").glob("*.py")), tmp_path / "work/epoch_1.pth")
    run_tool(monkeypatch, "test.py", *arguments, "--work-dir", tmp_path / "tested")
    assert "class/top1" in scores_of(tmp_path / "tested")
