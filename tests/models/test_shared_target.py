"""Two heads learn from one target; the auxiliary one is trained and not predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mtlplugins.datasets import MultiTaskDataset
from tests._data import make_image, write

LABELS = dict(type="LabelMap", folder="labels", classes=["a", "b", "c"])


@pytest.fixture
def data(tmp_path: Path) -> MultiTaskDataset:
    init_default_scope("mmseg")
    for number in range(2):
        write(tmp_path / f"image/{number}.jpg", make_image(number))
        labels = np.tile(np.arange(32, dtype=np.uint8) % 3, (24, 1))
        write(tmp_path / f"labels/{number}.png", labels)
    return MultiTaskDataset(
        str(tmp_path),
        dict(semantic=LABELS, auxiliary=LABELS),
        pipeline=[dict(type=t) for t in ("LoadMultiTaskImage", "LoadTargets", "PackMultiTask")],
    )


def test_an_auxiliary_head_beside_a_task_s_head(data: MultiTaskDataset) -> None:
    torch.manual_seed(0)
    fcn = dict(type="FCNHead", channels=4, num_convs=1, align_corners=False)
    heads = {
        task: dict(
            type="MultiTaskDecodeHead",
            num_classes=3,
            head=fcn | dict(in_channels=8 * 2**index, in_index=index, **more),
        )
        for task, index, more in (
            ("semantic", 1, dict(loss_decode=[dict(type="DiceLoss"), dict(type="LovaszLoss")])),
            ("auxiliary", 0, dict(loss_decode=dict(type="FocalLoss"))),
        )
    }
    backbone = dict(
        type="CondSwinTransformer",
        embed_dims=8,
        depths=(1, 1),
        num_heads=(1, 2),
        strides=(4, 2),
        out_indices=(0, 1),
        window_size=4,
    )
    model = MODELS.build(
        dict(
            type="MultiTaskModel",
            data_preprocessor=dict(type="MultiTaskDataPreprocessor", pad_size_divisor=8),
            backbone=backbone,
            heads=heads,
            task_weights=dict(auxiliary=0.4),
            test_cfg=dict(mode="whole", tasks=("semantic",)),
        )
    )
    items = [data[i] for i in range(2)]
    batch = {key: [item[key] for item in items] for key in ("inputs", "data_samples")}
    losses = model(**model.data_preprocessor(batch, True), mode="loss")
    total, _ = model.parse_losses(losses)
    wanted = losses["semantic_loss"] + 0.4 * losses["auxiliary_loss"]
    torch.testing.assert_close(total, wanted)
    total.backward()
    for task in heads:
        assert model.heads[task].decode_head.conv_seg.weight.grad.any(), task
    with torch.no_grad():
        sample = model.eval().test_step(batch)[0]
    assert "pred_semantic" in sample
    assert "pred_auxiliary" not in sample
