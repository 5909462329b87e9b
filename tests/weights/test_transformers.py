"""Networks of transformers, as recorded by record_transformers.py where it is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.weights._parity import loaded
from tests.weights._recorded import image, samples, weights

RECORDED = json.loads((Path(__file__).parent / "transformers.json").read_text())
SWIN = dict(type="CondSwinTransformer", embed_dims=8, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8))
VIT = dict(
    type="CondVisionTransformer",
    arch=dict(embed_dims=16, num_layers=3, num_heads=2, feedforward_channels=64),
    patch_size=32,
    out_type="raw",
)
#: Our encoder, and whether it shifts a single window.
ENCODERS = {
    "SwinModel": (SWIN, False),
    "SwinForImageClassification": (SWIN, False),
    "SwinBackbone": (SWIN, True),
    "ViTForImageClassification": (VIT | dict(norm_cfg=dict(type="LN", eps=1e-12)), None),
    "Dinov2Model": (VIT | dict(layer_scale_init_value=1.0), None),
    "ResNetForImageClassification": (dict(type="CondResNet", depth=18), None),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_every_stage_computes_the_same(name: str, tmp_path: Path):
    config, shifts = ENCODERS[name]
    recorded = RECORDED[name]
    save_file(weights(recorded["shapes"]), tmp_path / "model.safetensors")
    encoder = loaded(config, tmp_path / "model.safetensors")
    with torch.no_grad():
        maps = encoder(image(recorded["side"]))
    assert getattr(encoder, "shift_single_window", None) is shifts
    assert len(maps) == len(recorded["maps"])
    for found, wanted in zip(maps, recorded["maps"], strict=True):
        if config is SWIN:
            found = found.flatten(2).transpose(1, 2)
        assert samples(found) == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_what_is_recorded_tells_the_maps_apart():
    for recorded in RECORDED.values():
        for values in recorded["maps"]:
            assert len(values) == 12
            assert max(values) - min(values) > 0.5
