"""Exported graphs predict in ONNX Runtime what the model predicts in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from onnx import numpy_helper

from mtlplugins.apis import ExportedModel, load_config
from mtlplugins.apis.engines import compared, convert
from mtlplugins.apis.export import export, predict
from mtlplugins.models import DeployedModel, MultiTaskModel, SegmentationHead
from tests._slow import slow_except
from tests.models._encoders import ENCODERS, shaken, timm_model
from tests.models._models import PLANS, make_model, model_config, perturb
from tests.models.backbones._timm import FAMILIES
from tests.tools.command import ROOT, run_tool

MEAN, STD = [120.0, 110.0, 100.0], [60.0, 50.0, 40.0]
CONFIG = ROOT / "configs/rooms/swin_cond_rooms.py"
SMALL = ("model.backbone.depths=(1,1,2,1)", "model.backbone.plan.attention=(0,0,2,1)")


def model_of(encoder: str, *, bgr_to_rgb: bool = True) -> MultiTaskModel:
    """A model of three tasks whose images are padded to multiples of 32."""
    make, plan = ENCODERS[encoder]
    return _padding(shaken(make(plan)), bgr_to_rgb=bgr_to_rgb)


def timm_model_of(family: str) -> MultiTaskModel:
    return _padding(shaken(timm_model(family, FAMILIES[family][2])), bgr_to_rgb=True)


def _padding(model: MultiTaskModel, *, bgr_to_rgb: bool) -> MultiTaskModel:
    model.data_preprocessor = MODELS.build(
        dict(
            type="mmseg.MultiTaskDataPreprocessor",
            mean=MEAN,
            std=STD,
            bgr_to_rgb=bgr_to_rgb,
            pad_size_divisor=32,
        )
    )
    return model


def images(batch: int, size: tuple[int, int]) -> torch.Tensor:
    """RGB of 0 to 255."""
    generator = torch.Generator().manual_seed(batch)
    return torch.randint(0, 256, (batch, 3, *size), generator=generator).float()


@torch.no_grad()
def logits_of(model: MultiTaskModel, rgb: torch.Tensor) -> dict[str, torch.Tensor]:
    """Logits at the size of images whose sides are multiples of 32, normalised by hand."""
    inputs = torch.stack([(rgb[:, c] - MEAN[c]) / STD[c] for c in range(3)], dim=1)
    logits = model(inputs, mode="tensor")
    for task in ("semantic", "depth"):
        logits[task] = torch.nn.functional.interpolate(
            logits[task], size=rgb.shape[-2:], mode="bilinear", align_corners=False
        )
    return logits


@pytest.mark.parametrize("task", [None, "depth"], ids=["all tasks", "folded"])
@pytest.mark.parametrize("encoder", slow_except(ENCODERS, "Swin"))
def test_parity_at_other_batch_and_image_sizes(encoder: str, task: str | None, tmp_path: Path):
    model = model_of(encoder)
    session = export(model, tmp_path / "new/model.onnx", task=task)
    names = [output.name for output in session.get_outputs()]
    assert names == ([task] if task else ["semantic", "depth", "scene"])
    for batch, size in ((1, (32, 32)), (4, (96, 32))):  # 32 x 32: the ViT's own img_size
        rgb = images(batch, size)
        found = dict(zip(names, session.run(None, dict(images=rgb.numpy())), strict=True))
        logits = logits_of(model, rgb)
        depth = (logits["depth"].sigmoid() / 0.5).clamp(min=0.1).reciprocal()
        np.testing.assert_allclose(found["depth"], depth.numpy(), rtol=1e-4, atol=1e-5)
        assert found["depth"].std() > 1e-3
        if task is None:
            scores = logits["scene"].softmax(dim=1).numpy()
            np.testing.assert_allclose(found["scene"], scores, rtol=1e-4, atol=1e-5)
            chosen = torch.from_numpy(found["semantic"])
            assert chosen.dtype == torch.int64
            assert chosen.shape == (batch, 1, *size)
            best = logits["semantic"].amax(dim=1, keepdim=True)
            assert (best - logits["semantic"].gather(1, chosen)).max() < 1e-4
            assert len(chosen.unique()) > 1


@pytest.mark.slow
@pytest.mark.parametrize("task", [None, "depth"], ids=["all tasks", "folded"])
@pytest.mark.parametrize(
    ("family", "size"),
    [
        ("ViT", None),
        ("MobileNetV4", None),
        ("DINOv3", None),
        ("DINOv3", (64, 96)),
        ("EVA-02", None),
    ],
)
def test_encoders_of_timm(family: str, size: tuple | None, task: str | None, tmp_path: Path):
    # held to the model at other batch sizes, and image sizes if there is none, before it is written
    export(timm_model_of(family), tmp_path / "model.onnx", task=task, size=size)


def test_an_encoder_of_timm(tmp_path: Path):
    model = timm_model_of("ViT")
    session = export(model, tmp_path / "model.onnx", task="scene")
    rgb = images(2, (32, 96))
    (found,) = session.run(None, dict(images=rgb.numpy()))
    with torch.no_grad():
        wanted = logits_of(model, rgb)["scene"].softmax(dim=1)
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_tasks_that_exchange_maps(tmp_path: Path):
    exchange = dict(type="CrossTaskAttention", channels=16, num_heads=2, window_size=5)
    model = _padding(shaken(make_model(PLANS["norm"], exchange=exchange)), bgr_to_rgb=True)
    perturb(model.exchange.parameters())
    session = export(model, tmp_path / "model.onnx")  # compares at other batch and image sizes
    assert [output.name for output in session.get_outputs()] == ["semantic", "depth", "scene"]
    with pytest.raises(ValueError, match="export a graph of all tasks, without --task"):
        export(model, tmp_path / "depth.onnx", task="depth")


def uncertain_model() -> MultiTaskModel:
    """Values and numbers with standard deviations, and labels between them."""
    heads = dict(
        shade=dict(type="ValuesHead", in_channels=16, num_values=2, std=3.0, uncertainty=True),
        semantic=dict(type="SegmentationHead", in_channels=16, num_classes=3),
        age=dict(type="RegressionHead", in_channels=128, std=10.0, uncertainty=True),
    )
    decoder = model_config()["decoders"]["depth"]
    model = make_model(PLANS["norm"], heads=heads, decoders=dict(shade=decoder, semantic=decoder))
    return _padding(shaken(model), bgr_to_rgb=True)


def test_standard_deviations_are_outputs_after_the_tasks() -> None:
    model = uncertain_model()
    deployed, rgb = DeployedModel(model), images(1, (32, 64))
    assert deployed.outputs == ("shade", "semantic", "age", "shade_std", "age_std")
    pixels = rgb.permute(0, 2, 3, 1).byte().numpy()
    wanted = predict(model, pixels)
    with torch.no_grad():
        found = dict(zip(deployed.outputs, deployed(rgb), strict=True))
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name].numpy(), values, rtol=1e-4, atol=1e-5)
    assert found["shade_std"].shape == (1, 2, 32, 64)
    assert found["age_std"].shape == (1, 1)
    assert found["age_std"].min() > 0


@pytest.mark.slow
def test_a_graph_with_standard_deviations(tmp_path: Path) -> None:
    model = uncertain_model()
    tasks = dict(shade=dict(kind="values", names=("a", "b")), age=dict(kind="regression"))
    export(model, tmp_path / "model.onnx", tasks=tasks)  # compares all outputs
    graph = ExportedModel(tmp_path / "model.onnx")
    assert graph.tasks["shade"] == dict(kind="values", names=["a", "b"])
    pixels = images(3, (96, 32)).permute(0, 2, 3, 1).byte().numpy()
    found, wanted = graph(pixels), predict(model, pixels)
    assert list(found) == ["shade", "semantic", "age", "shade_std", "age_std"]
    for name in ("shade", "age", "shade_std", "age_std"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-3, atol=1e-4)


def test_one_size_of_images(tmp_path: Path):
    size = (50, 70)
    session = export(model_of("ResNet"), tmp_path / "model.onnx", size=size)
    assert session.get_inputs()[0].shape == ["batch", 3, *size]
    assert session.get_outputs()[0].shape == ["batch", 1, *size]


def test_a_model_trained_on_bgr_takes_rgb_too(tmp_path: Path):
    model = model_of("ResNet", bgr_to_rgb=False)
    rgb = images(1, (32, 32))
    swapped = DeployedModel(model)(rgb)
    plain = DeployedModel(model_of("ResNet"))(rgb.flip(1))
    assert all(map(torch.equal, swapped, plain))
    export(model, tmp_path / "model.onnx", task="scene")  # checked against test_step


def test_a_graph_that_froze_the_batch_size_is_not_written(tmp_path: Path, monkeypatch):
    def frozen(self: SegmentationHead, logits: torch.Tensor) -> torch.Tensor:
        return logits.argmax(dim=1).reshape(len(logits), 1, *logits.shape[2:])

    monkeypatch.setattr(SegmentationHead, "postprocess", frozen)
    with pytest.raises(RuntimeError, match=r"(?s)fails on 1 images of 128 x 96.*give --size"):
        export(model_of("ResNet"), tmp_path / "model.onnx", task="semantic")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_predicts_something_else_is_not_written(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(DeployedModel, "_preprocess", lambda self, images: images / 255)
    with pytest.raises(RuntimeError, match=r"differ in task 'depth' on 1 images of 64 x 64.*% of"):
        export(model_of("ResNet"), tmp_path / "x.onnx", task="depth", size=(64, 64))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("test_cfg", "preprocessor", "message"),
    [
        (dict(mode="slide"), None, "a graph predicts whole images"),
        (dict(mode="whole"), dict(type="mmengine.BaseDataPreprocessor"), "MultiTaskDataPrep"),
    ],
)
def test_what_no_graph_can_do_is_refused(test_cfg: dict, preprocessor: dict | None, message: str):
    model = model_of("ResNet")
    model.test_cfg |= test_cfg
    if preprocessor:
        model.data_preprocessor = MODELS.build(preprocessor)
    with pytest.raises(ValueError, match=message):
        DeployedModel(model)


def test_the_command_line(tmp_path: Path, monkeypatch, capsys):
    options = dict(option.split("=") for option in SMALL)
    options = {key: DictAction._parse_iterable(value) for key, value in options.items()}
    cfg = load_config(str(CONFIG), options)
    init_default_scope("mmseg")
    state = MODELS.build(cfg.model).state_dict()
    kinds = dict(semantic="segmentation", depth="depth", scene="classification")
    meta = dict(dataset_meta=dict(tasks={task: dict(kind=kind) for task, kind in kinds.items()}))
    torch.save(dict(state_dict=state, meta=meta), tmp_path / "last.pth")
    out = tmp_path / "depth.onnx"
    arguments = (CONFIG, tmp_path / "last.pth", "--out", out, "--task", "depth")
    run_tool(monkeypatch, "export.py", *arguments, "--cfg-options", *SMALL)
    assert "output depth: tensor(float) ['batch', 1, 'height', 'width']" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(out)
    (depth,) = session.run(None, dict(images=images(2, (64, 96)).numpy()))
    assert depth.shape == (2, 1, 64, 96)
    assert 0.5 <= depth.min() < depth.max() <= 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "tract", "x.onnx"), "--to tract: give one of onnx, float16, int8, int8-dynamic"),
        (("--to", "openvino", "x.onnx"), "OpenVINO's files are named FILE.xml"),
        (("--to", "int8", "x.onnx", "--embedding-input"), "leave out --embedding-input"),
        (("--to", "int8", "x.onnx", "--calibration-images", "0"), "give 1 or more"),
    ],
)
def test_targets_that_cannot_be(arguments: tuple, message: str, monkeypatch, capsys) -> None:
    with pytest.raises(RuntimeError, match="exited with 2"):
        run_tool(monkeypatch, "export.py", "config.py", "last.pth", *arguments)
    assert message in capsys.readouterr().err


def test_another_format_is_compared_before_it_is_written(tmp_path: Path) -> None:
    graph = tmp_path / "float32.onnx"
    tasks = dict(depth=dict(kind="depth", unit="m"))
    export(model_of("ResNet"), graph, task="depth", tasks=tasks)
    assert ExportedModel(graph).tasks == tasks  # folded, and read without its config
    half = tmp_path / "half.onnx"
    convert(graph, half, "float16")
    assert compared(graph, half, None).startswith("differs from float32 on noise: depth 0.0")
    broken = onnx.load(graph)
    for tensor in broken.graph.initializer:
        if tensor.name.endswith("conv.bias"):
            tensor.CopyFrom(numpy_helper.from_array(np.float32([np.nan]), tensor.name))
    onnx.save(broken, half)
    with pytest.raises(RuntimeError, match="task 'depth' has numbers that are not finite"):
        compared(graph, half, None)
