from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dist import utils as dist_utils
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import CheckpointLoader

from mtlplugins import compat
from mtlplugins.config import load_config
from tests.compat.small_runner import run_python

COMPLETE = """
import sys, mmcv
mmcv.__path__.append(sys.argv[1])
import mtlplugins, mmseg.models
import mmcv.ops, mmcv._ext
print(mmcv._ext.__file__, mmcv.ops.get_compiler_version())
"""

ABSENT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mmcv":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
import mtlplugins
"""


def test_missing_operators_raise_when_called() -> None:
    from mmcv.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    with pytest.raises(RuntimeError, match=r"'nms' needs mmcv's compiled.*pip install mmcv==2"):
        nms(boxes, torch.ones(1), 0.5)
    extension = sys.modules["mmcv._ext"]
    assert extension.__spec__.name == "mmcv._ext"
    assert not hasattr(extension, "__path__")


def test_models_of_mmseg_run_without_operators() -> None:
    from mmseg.models import PSPHead

    head = PSPHead(in_channels=4, channels=2, num_classes=3).eval()
    assert head([torch.zeros(1, 4, 8, 8)]).shape == (1, 3, 8, 8)


@pytest.mark.slow
def test_complete_mmcv_is_left_alone(tmp_path: Path) -> None:
    extension = tmp_path / "_ext.py"
    extension.write_text("def __getattr__(name):\n    return lambda *args: 'called ' + name\n")
    done = run_python("-c", COMPLETE, str(tmp_path))
    assert done.stdout.splitlines()[-1] == f"{extension} called get_compiler_version", done.stderr


def test_absent_mmcv_says_what_to_install() -> None:
    done = run_python("-c", ABSENT)
    assert done.returncode != 0
    assert "ImportError: mtlplugins needs mmcv: `pip install mmcv-lite==2.1.0`" in done.stderr


@pytest.mark.slow
def test_version_check_of_mmseg_passes_through() -> None:
    done = run_python("-c", "import mmcv; mmcv.__version__ = '2.2.0'; import mtlplugins")
    assert "AssertionError: MMCV==2.2.0 is used but incompatible" in done.stderr


def test_applying_twice_changes_nothing() -> None:
    def state() -> list:
        return [
            sys.modules["mmcv._ext"],
            set(torch.serialization.get_safe_globals()),
            CheckpointLoader.load_checkpoint,
            MMDistributedDataParallel.__init__,
            *(getattr(dist_utils, f"_init_dist_{name}") for name in ("pytorch", "slurm", "mpi")),
        ]

    before = state()
    importlib.reload(compat)
    assert state() == before


def test_config_inherits_from_a_package_without_pkg_resources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pkg_resources", None)
    config = tmp_path / "config.py"
    config.write_text("_base_ = ['mmseg::_base_/default_runtime.py']\nlog_level = 'ERROR'\n")
    loaded = Config.fromfile(config)
    assert loaded.default_scope == "mmseg"
    assert loaded.log_level == "ERROR"

    config.write_text("_base_ = ['mmdet3d::_base_/default_runtime.py']\n")
    with pytest.raises(ModuleNotFoundError, match="mmdet3d is not installed"):
        Config.fromfile(config)


def test_config_inherits_from_this_package(tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text("_base_ = 'mtlplugins::swin_cond_nyuv2.py'\nlog_level = 'ERROR'\n")
    loaded = Config.fromfile(config)
    assert loaded.model.backbone.type == "CondSwinTransformer"
    assert "_scope_" not in loaded.model
    assert loaded.log_level == "ERROR"
    assert load_config(config).model == load_config("mtlplugins::swin_cond_nyuv2.py").model

    config.write_text("_base_ = ['mtlplugins::rooms/dem.py']\n")
    with pytest.raises(FileNotFoundError, match=r"did you mean mtlplugins::rooms/demo\.py"):
        Config.fromfile(config)
