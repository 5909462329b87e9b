"""Graphs in other number formats and for other engines, and what they say about themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from onnx import TensorProto, helper, numpy_helper

from mtlplugins.apis import ExportedModel
from mtlplugins.apis.engines import _in_half_precision, calibration_images, convert
from mtlplugins.apis.exported import KEY, description
from mtlplugins.rooms.renderer import render_room

TASKS = dict(depth=dict(kind="depth", unit="m", folder="data"), mask=dict(kind="segmentation"))
SIZE = 8
SIGNALLED = """
import signal, sys
from mtlplugins.apis import ExportedModel

first = ExportedModel(sys.argv[1])
second = ExportedModel(sys.argv[1])
del first
del second
received = []
signal.signal(signal.SIGUSR1, lambda *_: received.append(1))
signal.raise_signal(signal.SIGUSR1)
assert received
"""


def inputs(count: int) -> list[np.ndarray]:
    numbers = np.random.default_rng(count)
    return [numbers.uniform(0, 255, (1, 3, SIZE, SIZE)).astype(np.float32) for _ in range(count)]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutions, a product with weights and one without, and a head for each output."""
    numbers = np.random.default_rng(0)
    shapes = dict(
        norm=(3, 3, 1, 1), body=(SIZE, SIZE), depth_head=(1, 3, 1, 1), mask_head=(1, 3, 1, 1)
    )
    weights = {name: numbers.normal(size=shape) / 100 for name, shape in shapes.items()}
    weights["depthwise"] = np.ones((3, 1, 1, 1))  # changes nothing
    edges = ("images", TensorProto.FLOAT, ["b", 3, SIZE, SIZE])
    nodes = [
        helper.make_node("Conv", ["images", "norm"], ["f"], name="first"),
        helper.make_node("Conv", ["f", "depthwise"], ["x"], name="depthwise", group=3),
        helper.make_node("MatMul", ["x", "body"], ["y"], name="body"),
        helper.make_node("MatMul", ["x", "y"], ["z"], name="product"),
        helper.make_node("Conv", ["z", "depth_head"], ["depth"], name="depth_head"),
        helper.make_node("Conv", ["z", "mask_head"], ["m"], name="mask_head"),
        helper.make_node("Cast", ["m"], ["mask"], to=TensorProto.INT64, name="cast"),
    ]
    outputs = dict(depth=TensorProto.FLOAT, mask=TensorProto.INT64)
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*edges)],
        [
            helper.make_tensor_value_info(n, kind, ["b", 1, SIZE, SIZE])
            for n, kind in outputs.items()
        ],
        [numpy_helper.from_array(w.astype(np.float32), n) for n, w in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {KEY: description(TASKS, ["depth", "mask"], (SIZE, SIZE))})
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    onnx.save(model, path)
    return path


def test_a_graph_describes_itself(graph: Path) -> None:
    model = ExportedModel(graph, threads=1)
    assert model.tasks == dict(depth=dict(kind="depth", unit="m"), mask=dict(kind="segmentation"))
    assert model.size == (SIZE, SIZE)
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    first, body, head, *_ = (numpy_helper.to_array(t) for t in onnx.load(graph).graph.initializer)
    x = np.einsum("oc,bhwc->bohw", first[:, :, 0, 0], pixels.astype(np.float32))
    wanted = np.einsum("oc,bchw->bohw", head[:, :, 0, 0], x @ (x @ body))
    np.testing.assert_allclose(model(pixels)["depth"], wanted, rtol=1e-4, atol=1e-4)
    assert model(pixels)["mask"].dtype == np.int64
    with pytest.raises(ValueError, match=r"float64 \(3, 4\): give RGB, uint8"):
        model(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="4 x 8, but the graph is for 8 x 8"):
        model(pixels[:, :4])


@pytest.mark.parametrize(
    ("target", "limit"), [("float16", 0.01), ("int8", 0.05), ("int8-dynamic", 0.05)]
)
def test_predictions_of_other_formats(
    target: str, limit: float, graph: Path, tmp_path: Path
) -> None:
    """The mean difference, in parts of the spread; ranges are of other images."""
    out = tmp_path / "made.onnx"
    convert(graph, out, target, inputs(8))
    one, other = ExportedModel(graph), ExportedModel(out)
    assert other.tasks == one.tasks
    pixels = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    wanted, found = one(pixels), other(pixels)
    assert {t: v.dtype for t, v in found.items()} == {t: v.dtype for t, v in wanted.items()}
    apart = np.abs(found["depth"] - wanted["depth"]).mean()
    assert 0 < apart < limit * wanted["depth"].std()


def test_8_bit_weights_are_the_nearest(graph: Path, tmp_path: Path) -> None:
    """Each within half a step; the first layer, grouped ones and the heads keep theirs."""
    out = tmp_path / "int8.onnx"
    convert(graph, out, "int8", inputs(2))
    before = {t.name: numpy_helper.to_array(t) for t in onnx.load(graph).graph.initializer}
    after = {t.name: numpy_helper.to_array(t) for t in onnx.load(out).graph.initializer}
    assert {name for name in after if name.endswith("_quantized")} == {"body_quantized"}
    assert {"norm", "depthwise", "depth_head", "mask_head"} < set(after)
    steps = after["body_scale"]
    error = np.abs(after["body_quantized"] * steps - before["body"])
    assert (error <= steps / 2 + 1e-9).all()
    assert steps.size > 1  # one for each channel


def test_int8_needs_images(graph: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="images of the training set"):
        convert(graph, tmp_path / "x.onnx", "int8")


def test_float16_keeps_large_constants() -> None:
    """Its largest number is 65504; the converter's own limit is 10000."""
    number = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    large = helper.make_tensor("c", TensorProto.FLOAT, [1], [30000.0])
    node = helper.make_node("Add", ["x", "c"], ["y"])
    made = _in_half_precision(
        helper.make_model(helper.make_graph([node], "g", [number], [result], [large]))
    )
    (found,) = (t for t in made.graph.initializer if t.name == "c")
    assert numpy_helper.to_array(found).tolist() == [30000.0]


def test_calibration_images_are_rgb() -> None:
    dataset = dict(
        type="RoomsDataset", length=3, size=(24, 32), pipeline=[dict(type="PackMultiTask")]
    )
    loader = dict(dataset=dataset, sampler=dict(type="DefaultSampler", shuffle=False))
    with DefaultScope.overwrite_default_scope("mmseg"):
        found = calibration_images(Config(dict(train_dataloader=loader)), 2)
        resized = calibration_images(Config(dict(train_dataloader=loader)), 1, (12, 16))
    assert len(found) == 2
    for index, image in enumerate(found):
        wanted = render_room(0, index, size=(24, 32)).image.transpose(2, 0, 1)[None]
        np.testing.assert_array_equal(image, wanted)
    assert resized[0].shape == (1, 3, 12, 16)


def test_what_is_no_described_graph_is_refused(graph: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.onnx does not exist"):
        ExportedModel(tmp_path / "missing.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(ValueError, match=r"bad\.onnx is no graph"):
        ExportedModel(tmp_path / "bad.onnx")
    stripped = onnx.load(graph)
    del stripped.metadata_props[:]
    onnx.save(stripped, tmp_path / "stripped.onnx")
    with pytest.raises(ValueError, match="does not describe its tasks: export it again"):
        ExportedModel(tmp_path / "stripped.onnx")


def test_openvino_computes_in_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in: the engine itself computes in bfloat16 unless told otherwise."""
    text = json.dumps(dict(size=[4, 6], tasks=[dict(name="depth", kind="depth")]))
    asked: dict[str, Any] = {}

    class Graph:
        def has_rt_info(self, path: list[str]) -> bool:
            return path == [KEY]

        def get_rt_info(self, path: list[str]) -> Any:
            return SimpleNamespace(value=text)

    class Core:
        def read_model(self, path: Path) -> Graph:
            return Graph()

        def compile_model(self, graph: Graph, device: str, settings: dict) -> Any:
            asked.update(settings)
            return lambda given: dict(depth=given["images"][:, :1])

    path = tmp_path / "model.xml"
    path.touch()
    openvino = ModuleType("openvino")
    openvino.Core = Core
    monkeypatch.setitem(sys.modules, "openvino", openvino)
    model = ExportedModel(path, threads=2)
    assert asked == dict(INFERENCE_PRECISION_HINT="f32", INFERENCE_NUM_THREADS=2)
    assert model.size == (4, 6)
    pixels = np.arange(72, dtype=np.uint8).reshape(1, 4, 6, 3)
    np.testing.assert_array_equal(model(pixels)["depth"][0, 0], pixels[0, :, :, 0])
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ImportError, match="pip install openvino"):
        ExportedModel(path)


@pytest.mark.slow
def test_signals_are_handled_after_two_openvino_models(graph: Path, tmp_path: Path) -> None:
    """A process of its own, which would end at the signal: see `_core`."""
    convert(graph, tmp_path / "graph.xml", "openvino", [])
    done = subprocess.run([sys.executable, "-c", SIGNALLED, str(tmp_path / "graph.xml")])
    assert done.returncode == 0
