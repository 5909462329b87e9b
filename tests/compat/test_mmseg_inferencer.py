"""mmsegmentation's own inferencer on models of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.apis import MMSegInferencer, init_model
from mmseg.registry import MODELS
from PIL import Image

from mtlplugins.apis import MultiTaskInferencer
from mtlplugins.datasets import RoomsDataset
from mtlplugins.rooms.renderer import render_room

CONFIG = """
_base_ = "mtlplugins::rooms/swin_cond_rooms.py"
model = dict(backbone=dict(depths=(1, 1, 1, 1), plan=dict(attention="all")))
"""
TASKS = RoomsDataset(1, tasks=("semantic", "depth", "scene")).metainfo["tasks"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, a checkpoint with visible weights, and an image."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "mine.py").write_text(CONFIG)
    init_default_scope("mmseg")
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(folder / "mine.py").model)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    meta = dict(dataset_meta=dict(tasks=TASKS))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / "mine.pth")
    Image.fromarray(render_room(0, 0, size=(60, 90)).image).save(folder / "room.png")
    return folder


def inferencer(trained: Path, config: str = "mine.py") -> MMSegInferencer:
    weights = str(trained / "mine.pth")
    return MMSegInferencer(model=str(trained / config), weights=weights, device="cpu")


def test_it_predicts_files_and_arrays_as_ours_does(trained: Path, tmp_path: Path) -> None:
    image = str(trained / "room.png")
    pixels = np.array(Image.open(image))
    theirs = inferencer(trained)
    ours = MultiTaskInferencer(trained / "mine.py", trained / "mine.pth", device="cpu")
    want = ours(image)["semantic"].data
    assert len(np.unique(want)) > 1
    found = theirs([image, pixels[..., ::-1].copy()], batch_size=2, out_dir=str(tmp_path))
    for labels in found["predictions"]:
        np.testing.assert_array_equal(labels, want)
    for number in range(2):
        written = np.array(Image.open(tmp_path / f"pred/{number:08d}_pred.png"))
        np.testing.assert_array_equal(written, want)
    assert theirs.visualizer.dataset_meta["classes"] == TASKS["semantic"]["classes"]
    assert np.array(Image.open(tmp_path / "vis/room.png")).shape == (60, 90, 3)
    whole = theirs(image, return_datasamples=True)
    np.testing.assert_allclose(whole.pred_depth.data[0].numpy(), ours(image)["depth"].data)


def test_a_model_without_one_semantic_task_is_refused(trained: Path) -> None:
    (trained / "depth.py").write_text(
        '_base_ = "mine.py"\nmodel = dict(test_cfg=dict(tasks=["depth"]))\n'
    )
    with pytest.raises(ValueError, match=r"predicts none: take mtlplugins\.apis\.MultiTaskInf"):
        inferencer(trained, "depth.py")


MIRRORED = """
_base_ = "mine.py"
model = dict(test_cfg=dict(tasks=["semantic"], tta=dict()))
sides = dict(type="LabelMap", classes=("left", "right"), left_right=[("left", "right")])
val_dataloader = dict(dataset=dict(targets=dict(semantic=sides)))
"""


def test_mirrored_views_of_left_and_right_classes_are_refused(trained: Path) -> None:
    (trained / "mirrored.py").write_text(MIRRORED)
    refused = pytest.raises(ValueError, match="task 'semantic' are others in a mirrored image")
    with refused:
        inferencer(trained, "mirrored.py")
    with refused:
        init_model(str(trained / "mirrored.py"), device="cpu")
    once = {"model.test_cfg.tta": dict(flip=False, scales=(1, 2))}
    assert init_model(str(trained / "mirrored.py"), device="cpu", cfg_options=once)
