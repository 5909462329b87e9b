"""Every kind of per-pixel target goes from files to losses, scores, panels, files and a graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import METRICS, MODELS
from PIL import Image

from mtlplugins.analysis.blind import blind_scores
from mtlplugins.apis.export import check_graph, write_graph
from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.models import DeployedModel, MultiTaskModel
from mtlplugins.visualization import draw_panel, save_predictions
from tests._data import write

SIZE = (16, 24)
TARGETS = dict(
    thing=dict(type="MaskMap", folder="thing"),
    rims=dict(type="EdgeMap", folder="rims", of_labels=True),
    shade=dict(type="ValueMap", folder="rims", suffix=".png", factor=1 / 255, names=["light"]),
    flow=dict(type="FlowMap", folder="flow", suffix=".npy"),
    joints=dict(type="CocoKeypointMap", file="points.json", sigma=1.5),
)
HEADS = dict(
    thing=dict(type="MaskHead"),
    rims=dict(type="EdgesHead"),
    shade=dict(type="ValuesHead", uncertainty=True),
    flow=dict(type="FlowHead"),
    joints=dict(type="KeypointsHead", num_points=2),
)
METRICS_BY_TASK = dict(
    thing="MultiTaskMaskMetric",
    rims="MultiTaskEdgesMetric",
    shade="MultiTaskValuesMetric",
    flow="MultiTaskValuesMetric",
    joints="MultiTaskKeypointsMetric",
)
TASKS = tuple(TARGETS)


@pytest.fixture(scope="module")
def scope() -> None:
    init_default_scope("mmseg")


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def write_points(path: Path) -> None:
    """A hand in each image, and an elbow that is not labelled in the last."""
    images = [dict(id=i, file_name=f"{i}.png", height=SIZE[0], width=SIZE[1]) for i in range(3)]
    points = [
        dict(image_id=i, category_id=1, keypoints=[5 + i, 8, 2, 20, 3, 0 if i == 2 else 1])
        for i in range(3)
    ]
    person = dict(id=1, name="person", keypoints=["hand", "elbow"])
    content = dict(images=images, categories=[person], annotations=points)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def data(scope: None, tmp_path_factory: pytest.TempPathFactory) -> MultiTaskDataset:
    """Three images, the last without ground truth of the first task."""
    root = tmp_path_factory.mktemp("kinds")
    for number in range(3):
        Image.fromarray(picture(number)).save(root / f"{number}.png")
        mask = np.zeros(SIZE, np.uint8)
        mask[4:12, 4 + number : 16] = 255
        if number < 2:
            write(root / f"thing/{number}.png", mask)
        write(root / f"rims/{number}.png", mask)  # two tasks read these
        flow = np.dstack([mask / 100 + number, mask / 50])
        flow[0] = np.nan
        write(root / f"flow/{number}.npy", flow)
    write_points(root / "points.json")
    steps = ("LoadMultiTaskImage", "LoadTargets", "PackMultiTask")
    return MultiTaskDataset(
        str(root),
        TARGETS,
        image=dict(folder="", suffix=".png"),
        pipeline=[dict(type=step) for step in steps],
    )


@pytest.fixture(scope="module")
def model(scope: None) -> MultiTaskModel:
    torch.manual_seed(0)
    decoder = dict(type="ConvUNetDecoder", in_channels=(8, 16), channels=(8,))
    config = dict(
        type="MultiTaskModel",
        data_preprocessor=dict(type="MultiTaskDataPreprocessor", pad_size_divisor=8),
        backbone=dict(
            type="CondSwinTransformer",
            embed_dims=8,
            depths=(1, 1),
            num_heads=(1, 2),
            strides=(4, 2),
            out_indices=(0, 1),
            window_size=4,
        ),
        decoders=dict.fromkeys(TASKS, decoder),
        heads={task: head | dict(in_channels=8) for task, head in HEADS.items()},
        test_cfg=dict(mode="whole"),
    )
    built = MODELS.build(config)
    built.init_weights()
    return built


def batch(data: MultiTaskDataset) -> dict:
    items = [data[i] for i in range(len(data))]
    return dict(
        inputs=[item["inputs"] for item in items],
        data_samples=[item["data_samples"] for item in items],
    )


def metrics() -> list:
    return [METRICS.build(dict(type=METRICS_BY_TASK[task], task=task)) for task in TASKS]


def test_losses_reach_every_head(data: MultiTaskDataset, model: MultiTaskModel) -> None:
    losses = model(**model.data_preprocessor(batch(data), True), mode="loss")
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    for task in TASKS:
        assert losses[f"{task}_loss"] > 0
        assert model.heads[task].conv.weight.grad.any(), task
    model.zero_grad()


def test_predictions_are_scored_drawn_and_written(
    data: MultiTaskDataset, model: MultiTaskModel, tmp_path: Path
) -> None:
    with torch.no_grad():
        samples = model.eval().test_step(batch(data))
    tasks = data.metainfo["tasks"]
    for metric in metrics():
        metric.dataset_meta = data.metainfo
        metric.process(None, [sample.to_dict() for sample in samples])
        scores = metric.evaluate(len(samples))
        assert set(scores) == {f"{metric.task}/{name}" for name in metric.names}
        assert np.isfinite(list(scores.values())).all()
    panel = draw_panel(picture(0), samples[0], tasks)
    assert panel.dtype == np.uint8
    draw_panel(picture(2), samples[2], tasks)  # without the first task's ground truth
    save_predictions(samples[0], tasks, tmp_path, "a")
    written = np.asarray(Image.open(tmp_path / "thing/a.png"))
    wanted = samples[0].pred_thing.data[0] * 255
    np.testing.assert_allclose(written, wanted, atol=0.51)
    flow = np.load(tmp_path / "flow/a.npy")
    np.testing.assert_array_equal(flow, samples[0].pred_flow.data.permute(1, 2, 0))
    assert (samples[0].pred_shade.std > 0).all()
    points = json.loads((tmp_path / "joints/a.json").read_text())["points"]
    heat = samples[0].pred_joints.data[1]
    place = points["elbow"]["row"], points["elbow"]["column"]
    assert heat[place] == heat.max()


def test_blind_predictors_know_the_frequency(data: MultiTaskDataset) -> None:
    samples = [data[i]["data_samples"] for i in range(len(data))]
    scores = blind_scores(samples, samples, metrics(), data.metainfo)
    assert {name.partition("/")[0] for name in scores} == set(TASKS)
    assert scores["thing/iou"] > 50  # the masks overlap
    assert scores["joints/pck"] == 100  # within 5 % of 29 pixels
    assert scores["flow/epe"] < 2.1  # of 0 to 2.5 + 5
    assert all(np.isfinite(value) for value in scores.values())


def test_the_exported_graph_predicts_the_same(model: MultiTaskModel, tmp_path: Path) -> None:
    deployed, graph = DeployedModel(model.eval()), tmp_path / "a.onnx"
    write_graph(deployed, graph, SIZE)
    check_graph(graph, model, deployed, SIZE)
