"""timm's rotary positions in a graph are those of every patch grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from timm.layers import pos_embed_sincos
from torch import Tensor, nn

from mtlplugins.apis.rotary_positions import rotary_positions_of_any_size
from tests.models.backbones._timm import cond_timm


class Positions(nn.Module):
    """The positions of the grid of a map (B, C, h, w), then a view by -1."""

    def __init__(self, family: str) -> None:
        super().__init__()
        self.rope = cond_timm(family).network.rope

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        batch, channels, height, width = x.shape
        return self.rope.get_embed(shape=(height, width)), x.view(batch, -1, channels)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("family", ["DINOv3", "EVA-02", "ViT with learned rotations"])
def test_positions_of_other_grids(family: str, tmp_path: Path) -> None:
    module, file = Positions(family).eval(), tmp_path / "graph.onnx"
    with torch.no_grad(), rotary_positions_of_any_size():
        torch.onnx.export(
            module,
            (torch.randn(2, 3, 4, 6),),
            str(file),
            dynamo=False,
            opset_version=17,
            input_names=["x"],
            dynamic_axes=dict(x={0: "batch", 2: "height", 3: "width"}),
        )
    session = onnxruntime.InferenceSession(file)
    for size in ((4, 6), (8, 3), (2, 2)):
        x = torch.randn(1, 3, *size)
        with torch.no_grad():
            wanted = module(x)
        for ours, theirs in zip(session.run(None, dict(x=x.numpy())), wanted, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


def test_nothing_is_left_changed() -> None:
    before = torch.Tensor.repeat_interleave
    with rotary_positions_of_any_size():
        assert torch.Tensor.repeat_interleave is not before
    assert torch.Tensor.repeat_interleave is before
    assert not hasattr(pos_embed_sincos, "float")
