from __future__ import annotations

import pytest
import torch

from mtlplugins.datasets import RoomsDataset
from mtlplugins.datasets.transforms import PackMultiTask
from mtlplugins.models import MultiTaskDataPreprocessor
from tests.models._models import TASKS, make_model

STEPS = 150


@pytest.mark.slow
def test_two_rooms_are_learnt_by_heart():
    """Data set, preprocessor, conditioned encoder, decoders, heads and losses work together."""
    rooms = RoomsDataset(2, size=(32, 32), tasks=TASKS, pipeline=[PackMultiTask()])
    items = [rooms[i] for i in range(2)]
    batch = {key: [item[key] for item in items] for key in ("inputs", "data_samples")}
    tasks = rooms.metainfo["tasks"]
    model = make_model(
        dict(attention="all"),
        heads=dict(
            semantic=dict(
                type="SegmentationHead",
                in_channels=16,
                num_classes=len(tasks["semantic"]["classes"]),
            ),
            depth=dict(type="DepthHead", in_channels=16, min_depth=0.5, max_depth=10.0),
            scene=dict(
                type="ClassificationHead",
                in_channels=128,
                num_classes=len(tasks["scene"]["classes"]),
            ),
        ),
        data_preprocessor=MultiTaskDataPreprocessor(
            mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
        ),
    ).train()
    data = model.data_preprocessor(batch, training=True)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, STEPS, pct_start=0.2)
    history = []
    for _ in range(STEPS):
        losses = model(**data, mode="loss")
        history.append({task: losses[f"{task}_loss"].item() for task in TASKS})
        total, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        schedule.step()
    first, last = history[0], history[-1]
    assert last["semantic"] < 0.2 * first["semantic"]
    assert last["depth"] < 0.3 * first["depth"]
    assert last["scene"] < 0.05 * first["scene"]

    model.eval()
    with torch.no_grad():
        predicted = model.test_step(batch)
    for sample in predicted:
        right = sample.pred_semantic.data == sample.gt_semantic.data
        assert right.float().mean() > 0.9
        error = (sample.pred_depth.data / sample.gt_depth.data - 1).abs()
        assert error[sample.gt_depth.data > 0].mean() < 0.15
        assert sample.pred_scene.label.tolist() == sample.gt_scene.label.tolist()
