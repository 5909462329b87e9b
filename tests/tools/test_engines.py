"""The table of engines: every row is compared with PyTorch, and one that fails says why."""

from __future__ import annotations

import runpy
from typing import Any

import numpy as np
import pytest

from mtlplugins.apis import load_config
from tests.tools.command import ROOT

TOOL = ROOT / "tools/analysis/engines.py"


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOL.parent))
        return runpy.run_path(str(TOOL))


def test_the_table(tool: dict[str, Any]) -> None:
    row = dict(differences=dict(semantic="0 %"), seconds=0.25, ratio=2.0)
    scores = {"semantic/mIoU": 41.25, "semantic/aAcc": 70.0}
    rows = dict(pytorch=row | dict(ratio=1.0), onnx=row | dict(MiB=12.34, scores=scores))
    rows["openvino"] = dict(error="ImportError: OpenVINO is not installed")
    found = dict(model="demo", size=[1, 64, 96], threads=2, versions="torch 2", rows=rows)
    assert tool["table"](found).splitlines()[2:] == [
        "| engine | MiB | ms | times PyTorch | difference | semantic/mIoU |",
        "| --- | --- | --- | --- | --- | --- |",
        "| pytorch |  | 250 | 1.00 | semantic 0 % |  |",
        "| onnx | 12.3 | 250 | 2.00 | semantic 0 % | 41.25 |",
        "| openvino | ImportError: OpenVINO is not installed |  |  |  |  |",
    ]


def test_differences(tool: dict[str, Any]) -> None:
    wanted = dict(semantic=np.array([1, 2, 3, 4]), depth=np.array([1.0, 2.0], np.float32))
    found = dict(semantic=np.array([1, 2, 3, 5]), depth=np.array([1.5, 2.0], np.float32))
    assert tool["_differences"](found, wanted) == dict(
        semantic="25 %", depth="2.5e-01, at most 5.0e-01"
    )


@pytest.mark.slow
def test_all_engines_that_are_installed(tool: dict[str, Any]) -> None:
    options = {"model.backbone.depths": (1, 1, 2, 1), "model.backbone.plan.attention": (0, 0, 2, 1)}
    cfg = load_config(str(ROOT / "configs/rooms/demo.py"), options)
    found = tool["compare"](cfg, None, (64, 96), rounds=1, count=2)["rows"]
    assert {"pytorch", "onnx", "float16", "int8", "int8-dynamic", "openvino"} <= set(found)
    for name, row in found.items():
        if name.startswith("openvino") and "error" in row:
            assert "pip install openvino" in row["error"]
            continue
        assert row["ratio"] > 0
    assert found["onnx"]["differences"]["semantic"] in ("0 %", "0.016 %")
