"""A neck between the encoder and the decoders and heads."""

from __future__ import annotations

import pytest
import torch

from mtlplugins.models.rows import AllRows, SomeRows
from tests.models._models import PLANS, TASKS, images, make_model, make_sample, perturb_conditioning

DECODER = dict(type="ConvUNetDecoder", in_channels=(12,) * 4, channels=(8, 8, 8))
SETTINGS = dict(
    decoders=dict(semantic=DECODER, depth=DECODER),
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=8, num_classes=5),
        depth=dict(type="DepthHead", in_channels=8, min_depth=0.5, max_depth=10.0),
        scene=dict(type="ClassificationHead", in_channels=12, num_classes=3),
    ),
)
NECKS = {
    "mixes the maps": dict(
        type="FPN", in_channels=[16, 32, 64, 128], out_channels=12, num_outs=4
    ),
    "map by map": dict(type="MultiLevelNeck", in_channels=[16, 32, 64, 128], out_channels=12,
        scales=[1, 1, 1, 1]),
}  # fmt: skip


@pytest.mark.parametrize("neck", NECKS)
@pytest.mark.parametrize("plan", [None, "last blocks", "all three"])
def test_each_task_sees_the_neck_of_its_own_maps(plan: str | None, neck: str):
    model = make_model(plan and PLANS[plan], neck=NECKS[neck], **SETTINGS).eval()
    perturb_conditioning(model)
    x = images(3)
    rows = SomeRows({"semantic": [0, 2], "depth": [1], "scene": [0, 1, 2]}, 3)
    with torch.no_grad():
        found = model.encode_decode(x, rows)
        for task, index in rows.images.items():
            alone = AllRows((task,), len(index))
            maps = list(model.extract_feat(x[index], alone))
            features = model.neck(maps)
            if task in model.decoders:
                features = model.decoders[task](features)
            torch.testing.assert_close(found[task], model.heads[task](features))


def test_one_task_in_a_batch_touches_the_neck_too():
    model = make_model(PLANS["attention"], neck=NECKS["mixes the maps"], **SETTINGS)
    losses = model.loss(images(1), [make_sample("depth")])
    sum(losses[f"{task}_loss"] for task in TASKS).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("plan", [None, "last blocks"])
def test_a_neck_of_mmpretrain_makes_vectors_for_the_heads(plan: str | None):
    neck = dict(
        type="mmpretrain.LinearNeck", in_channels=128, out_channels=6, gap_dim=2, norm_cfg=None
    )
    heads = dict(
        scene=dict(type="ClassificationHead", in_channels=6, num_classes=3),
        floor=dict(type="ClassificationHead", in_channels=6, num_classes=4),
    )
    model = make_model(plan and PLANS[plan], neck=neck, decoders={}, heads=heads).eval()
    x = images(2)
    with torch.no_grad():
        found = model.encode_decode(x, SomeRows({"scene": [0, 1], "floor": [1]}, 2))
        whole = model.encode_decode(x, AllRows(("scene", "floor"), 2))
    assert (found["scene"].shape, found["floor"].shape) == ((2, 3), (1, 4))
    torch.testing.assert_close(found["floor"], whole["floor"][1:])
