"""ViT of other libraries, with random weights that each library saves itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import timm
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models.vision_transformer import VisionTransformer as TorchvisionViT

from mtlplugins.weights import vit
from tests.weights._parity import image, loaded, outputs, randomise

DEPTH = 3
ARCH = dict(embed_dims=16, num_layers=DEPTH, num_heads=2, feedforward_channels=64)
CONFIG = dict(
    type="CondVisionTransformer",
    arch=ARCH,
    patch_size=32,
    out_type="raw",
    out_indices=tuple(range(DEPTH)),
)


def timm_vit(model: str = "vit_base_patch32_224", **settings) -> nn.Module:
    return timm.create_model(model, embed_dim=16, depth=DEPTH, num_heads=2, **settings)


def mm_vit(kind: str, **settings) -> nn.Module:
    return MODELS.build(dict(type=kind, patch_size=32, **settings))


def mmseg_vit() -> nn.Module:
    shape = dict(embed_dims=16, num_layers=DEPTH, num_heads=2, mlp_ratio=4)
    return mm_vit("VisionTransformer", img_size=224, final_norm=True, **shape)


def save(state: Mapping[str, Tensor], file: Path, *, model: bool) -> None:
    """As a file of MMEngine's, whose encoder is in a model, or plainly."""
    torch.save({f"backbone.{k}": v for k, v in state.items()} if model else dict(state), file)


#: Network, its blocks, its last norm, further settings of our encoder.
LIBRARIES: dict[str, tuple[Callable[[], nn.Module], str, str, dict]] = {
    "mmpretrain's ViT": (
        lambda: mm_vit("mmpretrain.VisionTransformer", arch=ARCH, out_type="raw"),
        "layers",
        "ln1",
        {},
    ),
    "mmseg's ViT": (
        mmseg_vit,
        "layers",
        "ln1",
        dict(norm_cfg=dict(type="LN", eps=1e-5), patch_cfg=dict(bias=False)),
    ),
    "ViT of timm, DeiT or DINO": (timm_vit, "blocks", "norm", {}),
    "torchvision's ViT": (
        lambda: TorchvisionViT(224, 32, DEPTH, 2, 16, 64),
        "encoder.layers",
        "encoder.ln",
        {},
    ),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_block_computes_the_same(library: str, tmp_path: Path, capfd):
    make, blocks, norm, settings = LIBRARIES[library]
    network = randomise(make())
    save(network.state_dict(), tmp_path / "vit.pth", model=library.startswith("mm"))
    encoder = loaded(CONFIG | settings, tmp_path / "vit.pth")
    x = image()
    parts = [*network.get_submodule(blocks).children()]
    wanted = outputs(network, parts, x)
    wanted[-1] = network.get_submodule(norm)(wanted[-1])
    with torch.no_grad():
        found = encoder(x)
    assert len(found) == len(wanted) == DEPTH
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_layer_scale_of_dinov2_and_its_positions_at_another_size(tmp_path: Path):
    network = randomise(timm_vit("vit_small_patch14_dinov2", patch_size=32, img_size=160))
    state = network.state_dict() | {"mask_token": torch.zeros(1, 16)}
    save(state, tmp_path / "vit.pth", model=False)
    with pytest.raises(
        ValueError, match=r"DINOv2\) has layer scale \(set layer_scale_init_value\)"
    ):
        loaded(CONFIG, tmp_path / "vit.pth")
    encoder = loaded(CONFIG | dict(layer_scale_init_value=1e-5), tmp_path / "vit.pth")
    grid = state["pos_embed"][:, 1:].unflatten(1, (5, 5)).permute(0, 3, 1, 2)
    grid = interpolate(grid, size=(7, 7), mode="bicubic").flatten(2).transpose(1, 2)
    torch.testing.assert_close(encoder.pos_embed[:, 1:], grid, rtol=1e-5, atol=1e-5)
    small = CONFIG | dict(layer_scale_init_value=1e-5, img_size=160)
    encoder = loaded(small, tmp_path / "vit.pth")
    x = image((160, 160))
    wanted = outputs(network, list(network.blocks), x)
    wanted[-1] = network.norm(wanted[-1])
    with torch.no_grad():
        for ours, theirs in zip(encoder(x), wanted, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        ("deit_base_distilled_patch16_224", r"a distillation token: dist_token"),
        ("vit_small_patch14_reg4_dinov2", r"register tokens: reg_token"),
    ],
)
def test_what_would_be_another_function_is_refused(model: str, what: str, tmp_path: Path):
    network = timm_vit(model, patch_size=32, img_size=224)
    save(network.state_dict(), tmp_path / "vit.pth", model=False)
    with pytest.raises(ValueError, match=rf"vit\.pth.* has {what}, for which.*no place"):
        loaded(CONFIG | dict(layer_scale_init_value=1e-5), tmp_path / "vit.pth")


def test_what_a_table_does_not_know_is_refused(tmp_path: Path):
    network = timm_vit(qk_norm=True)  # norms of queries and keys
    save(network.state_dict(), tmp_path / "vit.pth", model=False)
    message = r"has what is unknown here: blocks\.0\.attn\.q_norm\.weight"
    with pytest.raises(ValueError, match=message):
        loaded(CONFIG, tmp_path / "vit.pth")


def test_mae_leaves_its_decoder(tmp_path: Path):
    state = timm_vit().state_dict()
    state = {key: value for key, value in state.items() if not key.startswith("head")}
    state |= {"mask_token": torch.zeros(1, 1, 8), "decoder_blocks.0.norm1.bias": torch.zeros(8)}
    torch.save(dict(model=state), tmp_path / "mae.pth")
    encoder = loaded(CONFIG, tmp_path / "mae.pth")
    assert torch.equal(encoder.layers[1].ln2.weight.float(), state["blocks.1.norm2.weight"])


def test_old_files_of_torchvision_name_the_mlp_otherwise():
    new = "encoder.layers.encoder_layer_2.mlp.3.bias"
    old = "encoder.layers.encoder_layer_2.mlp.linear_2.bias"
    ours = "layers.2.ffn.layers.1.bias"
    assert vit.TORCHVISION.to_ours(new) == vit.TORCHVISION.to_ours(old) == ours
    assert vit.TORCHVISION.to_theirs(ours) == new


def test_keys():
    """What is called how; a changed name in a table shows here."""
    names = {
        vit.TIMM: ("blocks.1.ls1.gamma", "norm.weight"),
        vit.MAE: ("blocks.1.ls1.gamma", "norm.weight"),
        vit.MMPRETRAIN: ("layers.1.attn.gamma1.weight", "ln1.weight"),
    }
    for table, (scale, norm) in names.items():
        assert table.to_ours(scale) == "layers.1.attn.gamma1.weight"
        assert table.to_ours(norm) == "ln1.weight"
        assert table.to_theirs("ln1.weight") == norm
    assert re.fullmatch(
        r"layers\.7\.attn\.qkv\.bias", str(vit.TIMM.to_ours("blocks.7.attn.qkv.bias"))
    )
