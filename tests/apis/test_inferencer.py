from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image

from mtlplugins.analysis.embeddings import mixed_embedding
from mtlplugins.apis import MultiTaskInferencer, Prediction, load_config
from mtlplugins.datasets import RoomsDataset
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.models.inference.graphs import GraphedNetwork
from mtlplugins.models.inference.half_weights import halve_weights, in_bfloat16
from mtlplugins.models.rows import AllRows
from mtlplugins.rooms.renderer import render_room

DESCRIBED = RoomsDataset(1, tasks=("semantic", "depth", "scene")).metainfo
PIPELINE = [dict(type="LoadMultiTaskImage"), dict(type="PackMultiTask")]


@pytest.fixture(scope="module")
def config() -> Config:
    options = {
        "tasks": "depth",
        "model.backbone.depths": [1, 1, 1, 1],
        "model.backbone.plan": None,
    }
    cfg = load_config("mtlplugins::rooms/swin_cond_rooms.py", options)
    cfg.pop("test_pipeline")
    cfg.test_dataloader.dataset.pop("pipeline")
    return cfg


@pytest.fixture(scope="module")
def checkpoint(config: Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    init_default_scope("mmseg")
    path = tmp_path_factory.mktemp("checkpoint") / "model.pth"
    tasks = dict(depth=dict(kind="depth"))
    meta = dict(dataset_meta=dict(tasks=tasks))
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict(), meta=meta), path)
    return str(path)


@pytest.mark.parametrize("wrapped", [False, True])
def test_transforms_inside_the_data_loader(
    config: Config, checkpoint: str, wrapped: bool, tmp_path: Path
) -> None:
    cfg = deepcopy(config)
    dataset = dict(type="RoomsDataset", length=1, pipeline=PIPELINE)
    cfg.test_dataloader.dataset = dict(type="A", dataset=dataset) if wrapped else dataset
    Image.fromarray(render_room(0, 0, size=(64, 96)).image).save(tmp_path / "a.png")
    sample = MultiTaskInferencer(cfg, checkpoint, device="cpu")(tmp_path / "a.png")
    assert sample["depth"].data.shape == (64, 96)


def test_a_model_without_transforms_cannot_read_a_file(
    config: Config, checkpoint: str, tmp_path: Path
) -> None:
    inferencer = MultiTaskInferencer(config, checkpoint, device="cpu")  # enough for an export
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"no transforms for an image file: give it test_pipeline"):
        inferencer(tmp_path / "a.png")


def test_chosen_tasks_are_predicted_and_the_config_stays(config: Config, checkpoint: str) -> None:
    cfg = deepcopy(config)
    del cfg.model.test_cfg
    inferencer = MultiTaskInferencer(cfg, checkpoint, tasks=["depth"], device="cpu")
    assert inferencer.model.test_cfg["tasks"] == ["depth"]
    assert "test_cfg" not in cfg.model


@pytest.fixture(scope="module")
def inferencer(tmp_path_factory: pytest.TempPathFactory) -> MultiTaskInferencer:
    """Three tasks of different kinds, conditioned in the first stage, with visible embeddings."""
    options = {"model.backbone.depths": [1, 1, 1, 1], "model.backbone.plan.attention": "all"}
    cfg = load_config("mtlplugins::rooms/swin_cond_rooms.py", options)
    cfg.test_pipeline = PIPELINE
    init_default_scope("mmseg")
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    for parameter in model.parameters():  # conditioned modules start at zero
        torch.nn.init.normal_(parameter, std=0.2)
    path = tmp_path_factory.mktemp("conditioned") / "model.pth"
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=DESCRIBED)), path)
    return MultiTaskInferencer(cfg, path, device="cpu")


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return render_room(0, 0, size=(64, 96)).image  # RGB


def arrays(prediction: Prediction) -> dict[str, np.ndarray]:
    return {t: p.scores if p.data is None else p.data for t, p in prediction.items()}


def assert_same(one: Prediction, other: Prediction) -> None:
    assert list(one) == list(other)
    for task, values in arrays(one).items():
        np.testing.assert_allclose(arrays(other)[task], values, rtol=1e-4, atol=1e-4)


def test_a_prediction_is_plain_arrays(inferencer: MultiTaskInferencer, pixels: np.ndarray) -> None:
    found = inferencer(pixels, channel_order="rgb")
    assert list(found) == ["semantic", "depth", "scene"]
    labels, depth, scene = found.values()
    assert labels.data.shape == depth.data.shape == (64, 96)
    assert labels.data.dtype == np.int64
    assert labels.classes == tuple(DESCRIBED["tasks"]["semantic"]["classes"])
    assert (depth.data.dtype, depth.unit) == (np.float32, "m")
    assert scene.data is None
    assert scene.label == scene.scores.argmax()
    assert scene.scores.sum() == pytest.approx(1)
    assert (found.image == pixels).all()
    with pytest.raises(KeyError, match="'edges' was not predicted; predicted: semantic, depth"):
        found["edges"]


def test_every_form_of_an_image_gives_the_same(
    inferencer: MultiTaskInferencer, pixels: np.ndarray, tmp_path: Path
) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.png")
    chw = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    want = inferencer(tmp_path / "a.png")
    assert want.name == "a"
    forms = [pixels[..., ::-1], Image.fromarray(pixels), chw, chw / 255, str(tmp_path / "a.png")]
    for form in forms:
        assert_same(want, inferencer(form))
    for several in (forms, tmp_path, tmp_path / "*.png", np.stack([pixels[..., ::-1]] * 2)):
        found = inferencer(several, batch_size=3)
        assert isinstance(found, list)
        assert len(found) == {list: 5, np.ndarray: 2}.get(type(several), 1)
        for one in found:
            assert_same(want, one)
    assert_same(inferencer(pixels[..., :1]), inferencer(np.repeat(pixels[..., 0:1], 3, 2)))


def test_images_of_different_sizes_in_a_batch(
    inferencer: MultiTaskInferencer, pixels: np.ndarray
) -> None:
    images = [pixels, pixels[:40], pixels[:40], pixels[:, :50]]
    found = inferencer(images, batch_size=4)
    assert [p["depth"].data.shape for p in found] == [i.shape[:2] for i in images]
    assert len({p.name for p in found}) == 4
    for image, one in zip(images, found, strict=True):
        assert_same(inferencer(image), one)


def test_asked_tasks_and_mixtures_do_not_change_the_model(
    inferencer: MultiTaskInferencer, pixels: np.ndarray
) -> None:
    own = inferencer(pixels)
    assert list(inferencer(pixels, tasks=["depth"])) == ["depth"]
    assert list(inferencer(pixels, tasks="depth")) == ["depth"]
    assert_same(own, inferencer(pixels, mixture={t: {t: 2} for t in own}))
    mixed = inferencer(pixels, mixture=dict(depth=dict(semantic=1)))
    assert (mixed["semantic"].data == own["semantic"].data).all()
    assert not np.allclose(mixed["depth"].data, own["depth"].data)
    # the model's own way, which writes into it
    with mixed_embedding(inferencer.model, dict(semantic=1, depth=3)):
        want = inferencer(pixels)
    assert_same(want, inferencer(pixels, mixture=dict(semantic=1, depth=3)))
    assert_same(own, inferencer(pixels))


def test_threads_ask_for_different_mixtures_at_once(
    inferencer: MultiTaskInferencer, pixels: np.ndarray
) -> None:
    mixtures = [dict(semantic=1), dict(depth=1), dict(semantic=1, scene=2), None] * 2
    want = [inferencer(pixels, mixture=mixture) for mixture in mixtures]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda mixture: inferencer(pixels, mixture=mixture), mixtures))
    for one, other in zip(want, found, strict=True):
        assert_same(one, other)


def test_a_video_is_a_stream(inferencer: MultiTaskInferencer, tmp_path: Path) -> None:
    path = tmp_path / "walk.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, (96, 64))
    for seed in range(3):
        writer.write(render_room(seed, 0, size=(64, 96)).image[..., ::-1].copy())
    writer.release()
    frames = list(inferencer.stream(path, tasks=["depth"]))
    assert [frame.name for frame in frames] == [f"walk_{i:06d}" for i in range(3)]
    assert_same(frames[1], inferencer(frames[1].image, tasks=["depth"], channel_order="rgb"))
    with pytest.raises(ValueError, match=r"walk.avi is a video or camera: iterate over .*stream"):
        inferencer(path)


def test_a_camera_is_a_stream_that_is_released(
    inferencer: MultiTaskInferencer, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Camera:
        opened: list[Camera] = []

        def __init__(self, index: int) -> None:
            assert index == 1
            self.released = False
            self.opened.append(self)

        def isOpened(self) -> bool:
            return True

        def read(self) -> tuple[bool, np.ndarray]:
            return True, pixels  # it never ends

        def release(self) -> None:
            self.released = True

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    stream = inferencer.stream(1, tasks=["depth"])
    frames = [next(stream) for _ in range(2)]
    assert [frame.name for frame in frames] == ["camera_000000", "camera_000001"]
    assert_same(frames[1], inferencer(pixels, tasks=["depth"]))
    stream.close()
    assert Camera.opened[-1].released


def test_a_prediction_is_saved_and_shown(
    inferencer: MultiTaskInferencer, pixels: np.ndarray, tmp_path: Path
) -> None:
    found = inferencer(Image.fromarray(pixels))
    found.save(tmp_path)
    written = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*"))
    name = "000000"
    assert written == [
        f"{name}.png", f"depth/{name}.png", f"scene/{name}.json", f"semantic/{name}.png"
    ]  # fmt: skip
    millimetres = np.array(Image.open(tmp_path / f"depth/{name}.png"))
    np.testing.assert_allclose(millimetres / 1000, found["depth"].data, atol=6e-4)
    shown = np.array(Image.open(BytesIO(found._repr_png_())))
    assert (shown == np.array(Image.open(tmp_path / f"{name}.png"))).all()


@pytest.mark.parametrize(
    ("image", "options", "words"),
    [
        (np.zeros((4, 4, 3)), {}, r"holds float64: give uint8 of 0 to 255, for example \(255"),
        (np.zeros((4, 4, 4), np.uint8), {}, r"is \(4, 4, 4\): give \(height, width, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), {}, r"is \(0, 4, 3\): give"),
        (np.zeros((4, 4, 3), np.uint8), {"channel_order": "gbr"}, "give 'bgr' or 'rgb'"),
        (torch.full((3, 4, 4), 2.0), {}, "values of 2 to 2: give uint8 of 0 to 255, or floats"),
        (torch.zeros(4, 4, 3), {}, r"the tensor is \(4, 4, 3\): give \(3, height, width\)"),
        (np.zeros((9, 9, 3), np.uint8), {"tasks": ["edges"]}, "some of this model's: semantic"),
        (np.zeros((9, 9, 3), np.uint8), {"mixture": {"edges": 1}}, "unknown task 'edges'"),
        (np.zeros((9, 9, 3), np.uint8), {"mixture": {"depth": -1}}, "give 0 or more"),
        ([None], {}, "NoneType is no image: give a file"),
    ],
)
def test_what_is_no_image_is_named(
    inferencer: MultiTaskInferencer, image: Any, options: dict, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        inferencer(image, **options)


def test_files_that_are_missing_or_broken(inferencer: MultiTaskInferencer, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(BrokenFile, match=r"broken.png cannot be read \(.*\)$"):
        inferencer(tmp_path / "broken.png")
    for missing in ("none.png", "none/*.png"):
        with pytest.raises(FileNotFoundError, match="no image"):
            inferencer(tmp_path / missing)


def test_graphs_need_a_gpu(config: Config, checkpoint: str) -> None:
    with pytest.raises(ValueError, match=r"graphs=True captures CUDA graphs, but .* 'cpu'"):
        MultiTaskInferencer(config, checkpoint, device="cpu", graphs=True)


def test_predictions_replayed_are_the_same(
    inferencer: MultiTaskInferencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a stand-in for CUDA's graphs, which fills the captured tensors anew."""
    sizes = []

    def capture(run: Callable) -> tuple:
        found = run()
        sizes.append({task: tuple(x.shape) for task, x in found.items()})

        def replay() -> None:
            for task, values in run().items():
                found[task].copy_(values)

        return found, torch.inference_mode()(replay)

    generator = np.random.default_rng(0)
    pixels = [generator.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(3)]
    wanted = inferencer(pixels)
    graphed = GraphedNetwork(inferencer.model.encode_decode, capture, limit=1)
    monkeypatch.setattr(inferencer.model, "encode_decode", graphed, raising=False)
    for found in (inferencer(pixels), [inferencer(image) for image in pixels]):
        for one, other in zip(found, wanted, strict=True):
            for task in inferencer.tasks:
                np.testing.assert_equal(vars(one[task]), vars(other[task]))
    inferencer(pixels, batch_size=3)  # of another size: without a graph
    inferencer(pixels[0], mixture=dict(depth=1.0))
    assert len(sizes) == 1

    def refuse(run: Callable) -> tuple:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    graphed = GraphedNetwork(inferencer.model.encode_decode, refuse)
    monkeypatch.setattr(inferencer.model, "encode_decode", graphed)
    with pytest.raises(ValueError, match=r"\(1, 3, 64, 96\) cannot be captured \(operation not"):
        inferencer(pixels[0])


def test_weights_converted_once_predict_what_autocast_does(
    inferencer: MultiTaskInferencer,
) -> None:
    rows = AllRows(inferencer.tasks, 2)
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        wanted = inferencer.model.encode_decode(images, rows)
    model = deepcopy(inferencer.model)
    halve_weights(model)
    with torch.no_grad():
        found = in_bfloat16(model.encode_decode)(images, rows)
    for task, values in wanted.items():
        assert values.dtype == torch.bfloat16
        assert found[task].dtype == torch.float32
        assert torch.equal(found[task], values.float())
    weights = model.backbone.stages[0].blocks[0].attn.w_msa.qkv.weight
    assert weights.dtype == torch.bfloat16


def test_predictions_in_bfloat16(config: Config, checkpoint: str) -> None:
    cfg = deepcopy(config)
    cfg.test_pipeline = PIPELINE
    image = render_room(0, 0, size=(64, 96)).image
    plain, half = (
        MultiTaskInferencer(cfg, checkpoint, device="cpu", amp=amp)(image)["depth"].data
        for amp in (False, True)
    )
    assert half.dtype == np.float32
    apart = np.abs(half - plain).max()
    assert 0 < apart < 0.05 * plain.max()
