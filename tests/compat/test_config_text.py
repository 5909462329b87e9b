"""Text configs: MMEngine's traps are fixed."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from mtlplugins.config import load_config

BASE = "_base_ = 'mtlplugins::rooms/swin_cond_rooms.py'\n"


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "imports", ["import os", "import os.path as osp", "from math import pi", "import numpy as np"]
)
def test_an_import_above_the_bases(imports: str, tmp_path: Path) -> None:
    cfg = Config.fromfile(config(tmp_path, f"{imports}\n{BASE}log_level = 'ERROR'\n"))
    assert cfg.log_level == "ERROR"
    assert cfg.model.type == "MultiTaskModel"
    assert not {"os", "osp", "np"} & set(cfg)


def test_an_import_of_the_standard_library_in_a_base(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("import os\nfolder = os.path.join('a', 'b')\n")
    cfg = Config.fromfile(config(tmp_path, "_base_ = 'base.py'\n"))
    assert cfg.folder == "a/b"


def test_a_lazy_config_stays_lazy(tmp_path: Path) -> None:
    text = "import os\nfrom mmengine.optim import OptimWrapper\nwrapper = dict(type=OptimWrapper)\n"
    cfg = Config.fromfile(config(tmp_path, text))
    assert "mmengine.optim" in cfg.pretty_text
    assert isinstance(cfg.wrapper.type, type)


@pytest.mark.parametrize(
    "value",
    [
        {"class": 1, "other": [{"lambda": (1,)}]},
        {"None": 0, "True": "it's"},
        {None: 0, "a": 1},
        {"children's room": 3, "a b": {"class": {}}},
        {3: "three", "class": 4},
        [float("inf"), -float("inf"), {"max_norm": float("inf")}],
        {"plain": 1, "nested": dict(a=(1, 2), b="x")},
    ],
    ids=str,
)
def test_what_is_written_can_be_read(value, tmp_path: Path) -> None:
    Config(dict(value=value)).dump(tmp_path / "dumped.py")
    assert Config.fromfile(tmp_path / "dumped.py").to_dict() == dict(value=value)


def test_a_config_without_such_keys_is_written_as_before(tmp_path: Path) -> None:
    text = Config(dict(model=dict(a=1, b=[dict(c="d")]))).pretty_text
    assert text == "model = dict(\n    a=1, b=[\n        dict(c='d'),\n    ])\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import pathlib\nfolder = pathlib.Path('a b')\n", r"folder=.* is a PosixPath"),
        ("options = dict(kind=[object()])\n", r"options\.kind\.0=.* is a object"),
    ],
)
def test_what_cannot_be_written_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        load_config(config(tmp_path, text))


def test_a_key_that_is_no_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="key 'class' is no name of Python"):
        load_config(config(tmp_path, "log_level = 'INFO'\n"), {"class": 3})
