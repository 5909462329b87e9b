"""Every Python block of the documentation is a config that loads and builds, or a script that runs.

Whole configs and parts of them are built in the fast tests. Scripts are run by the slow ones; the
fast ones look up each name that they import. `tests/test_readme.py` trains by the page on own data.
"""

from __future__ import annotations

import ast
import importlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS
from PIL import Image

import mtlplugins
from mtlplugins import apis
from mtlplugins.config import load_config
from mtlplugins.config.validate import check_values
from mtlplugins.rooms.renderer import render_room
from tests._instances import forget_runs
from tests.tools.command import run_tool

from .pages import ROOT, Block, blocks, blocks_of

PYTHON = blocks("python")
BASE = "rooms/swin_cond_rooms.py"
ROOM = "dict(type='RoomsDataset', length=2, size=(64, 96), pipeline=[])"
#: What a part of a config stands in, where it is not at the top of a config.
WITHIN = {
    "backbone": "model = dict(backbone=backbone)",
    "init_cfg": "model = dict(backbone=dict(init_cfg=init_cfg))",
}
#: What the reader has: data sets of their own.
GIVEN = {name: f"{name} = {ROOM}\n" for name in ("mine", "rooms")}


def is_script(block: Block) -> bool:
    """Whether a block is a script or module; otherwise it is a config or a part of one."""
    return any(not isinstance(node, ast.Assign) for node in ast.parse(block.text).body)


SCRIPTS = [block for block in PYTHON if is_script(block)]
CONFIGS = [block for block in PYTHON if not is_script(block)]


def as_config(block: Block, folder: Path) -> Config:
    """Load a block as a config below ``folder/configs``."""
    tree = ast.parse(block.text)
    assigned = {node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - assigned
    text = block.text
    if "_base_" not in assigned:
        text = f'_base_ = "{BASE}"\n' + "".join(GIVEN[n] for n in sorted(used & set(GIVEN))) + text
    text += "".join(f"{WITHIN[name]}\n" for name in sorted(assigned & set(WITHIN)))
    base = next(n.value.value for n in ast.parse(text).body if n.targets[0].id == "_base_")
    configs = folder / "configs"
    if not configs.exists():
        shutil.copytree(ROOT / "configs", configs)
    # a base is named from configs/, or from the folder that it is in
    below = configs if (configs / base).exists() else next(configs.rglob(base)).parent
    path = below / f"{Path(block.page).stem}_{block.line}.py"
    path.write_text(text)
    return load_config(str(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the configs are copied once."""
    return tmp_path_factory.mktemp("pages")


def test_there_are_blocks() -> None:
    assert len(SCRIPTS) > 4
    assert len(CONFIGS) > 10


@pytest.mark.parametrize("block", CONFIGS, ids=str)
def test_configs_load_and_build(
    block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = [b for b in SCRIPTS if b.page == block.page and "register_module" in b.text]
    with own_module(modules, folder, monkeypatch):
        cfg = as_config(block, folder)
        check_values(cfg)
        init_default_scope("mmseg")
        model = MODELS.build(cfg.model)
        assert set(model.tasks) <= set(cfg.model.heads)
        Runner.build_optim_wrapper(Lone(model), cfg.optim_wrapper)
        if "MixedDataset" in block.text:
            assert len(DATASETS.build(cfg.train_dataloader.dataset)) > 0


class Lone:
    """As much of a Runner as an optimizer is built with."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model


@contextmanager
def own_module(modules: list[Block], folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make ``mine.py`` with what a page registers importable, and forget it afterwards."""
    (folder / "mine.py").write_text("\n\n".join(block.text for block in modules))
    patch.syspath_prepend(folder)
    before = [(registry, dict(registry.module_dict)) for registry in (MODELS, DATASETS)]
    yield
    sys.modules.pop("mine", None)
    for registry, entries in before:
        registry._module_dict.clear()
        registry._module_dict.update(entries)


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_scripts_import_what_is_there(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            assert [a.name for a in node.names if not hasattr(module, a.name)] == []
        elif isinstance(node, ast.Import):
            assert [importlib.import_module(a.name) for a in node.names]
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "mtlplugins":
            assert hasattr(mtlplugins, node.attr)


def test_what_the_page_on_extending_registers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ROOT / "docs/extending.md"
    modules = [
        block
        for block in blocks_of("docs/extending.md", page.read_text(), ("python",))
        if "register_module" in block.text
    ]
    with own_module(modules, tmp_path, monkeypatch):
        mine = importlib.import_module("mine")
        loss = MODELS.build(dict(type="LogL1Loss"))
        target, prediction = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([np.e, 5.0, 2.0])
        assert loss(prediction, target, target > 0) == pytest.approx(0.5)
        Image.fromarray(np.array([[100, 300]], np.uint16)).save(tmp_path / "a.png")
        depth = DATASETS.build(dict(type="FarDepth", folder="."))
        assert isinstance(depth, mine.FarDepth)
        source = depth.find(tmp_path, ["a"])["a"]
        np.testing.assert_allclose(depth.load(source), [[0, 0.3]], rtol=1e-6)


SMALL = {
    "train_dataloader.dataset.length": 16,
    "val_dataloader.dataset.length": 8,
    "test_dataloader.dataset.length": 8,
}


@pytest.mark.slow
def test_scripts_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(render_room(0, 0, size=(64, 96)).image).save("photo.jpg")
    write_video(tmp_path / "walk.mp4")
    for name in ("train", "test"):
        monkeypatch.setattr(apis, name, small(getattr(apis, name)))
    elsewhere = ("register_module", "gradio_client")  # tests/web asks a server
    scripts = [b for b in SCRIPTS if not any(word in b.text for word in elsewhere)]
    training = [block for block in scripts if "mtlplugins.train(" in block.text]
    for block in training:
        shutil.rmtree("work", ignore_errors=True)
        run(block)
    run_tool(
        monkeypatch, "export.py", "mtlplugins::rooms/demo.py", "work/epoch_1.pth", "--out=all.onnx"
    )
    for block in scripts:
        if block not in training:
            run(block)
    assert list((tmp_path / "out").rglob("*.png"))
    assert list((tmp_path / "frames").rglob("*.png"))
    assert len(training) > 1


def run(block: Block) -> None:
    """Run a script as if it were a file."""
    forget_runs()
    exec(compile(block.text, str(block), "exec"), {"__name__": "page"})


def small(function):
    """Let ``train`` and ``test`` use a few images."""

    def call(config, *args, cfg_options=None, **kwargs):
        return function(config, *args, cfg_options={**SMALL, **(cfg_options or {})}, **kwargs)

    return call


def write_video(path: Path) -> None:
    """Write a video of three frames."""
    import cv2

    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 5, (96, 64))
    for index in range(3):
        video.write(render_room(0, index, size=(64, 96)).image[..., ::-1].copy())
    video.release()
