"""Swin of other libraries, with random weights that each library saves itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from mmengine.logging import MMLogger
from mmseg.registry import MODELS
from torch import Tensor, nn
from torchvision.models.swin_transformer import SwinTransformer as TorchvisionSwin

from mtlplugins.weights import swin
from tests.weights._parity import image, loaded, normalised, outputs, randomise

DEPTHS, HEADS = (2, 2, 2, 2), (1, 2, 4, 8)
CONFIG = dict(type="CondSwinTransformer", embed_dims=8, depths=DEPTHS, num_heads=HEADS)
ARCH = dict(embed_dims=8, depths=list(DEPTHS), num_heads=list(HEADS))


def timm_swin(**settings) -> nn.Module:
    shape = dict(embed_dim=8, depths=DEPTHS, num_heads=HEADS)
    return timm.create_model("swin_tiny_patch4_window7_224", **shape, **settings)


def timm_maps(network: nn.Module, x: Tensor) -> list[Tensor]:
    return normalised(outputs(network, list(network.layers), x), network.norm)


def torchvision_swin() -> nn.Module:
    return TorchvisionSwin([4, 4], 8, list(DEPTHS), list(HEADS), [7, 7])


def torchvision_maps(network: nn.Module, x: Tensor) -> list[Tensor]:
    stages = [network.features[i] for i in (1, 3, 5, 7)]
    return normalised(outputs(network, stages, x), network.norm)


def mm_swin(kind: str) -> Callable[[], nn.Module]:
    shape = CONFIG | dict(type=kind)
    if kind.startswith("mmpretrain"):
        shape = dict(type=kind, arch=ARCH, out_indices=(0, 1, 2, 3))
    return lambda: MODELS.build(shape)


def mm_maps(network: nn.Module, x: Tensor) -> list[Tensor]:
    with torch.no_grad():
        return list(network(x))


#: Network, its maps, what else its file holds, whether it shifts a single window.
LIBRARIES = {
    "mmseg's Swin": (mm_swin("SwinTransformer"), mm_maps, {"decode_head.conv.weight"}, True),
    "mmpretrain's Swin": (mm_swin("mmpretrain.SwinTransformer"), mm_maps, {"head.fc.bias"}, False),
    "timm's Swin": (timm_swin, timm_maps, None, False),
    "torchvision's Swin": (torchvision_swin, torchvision_maps, None, False),
}


def save(network: nn.Module, beside: set[str] | None, file: Path) -> dict[str, Tensor]:
    state = network.state_dict()
    if beside is not None:  # a file of MMEngine's: an encoder in a model
        state = {f"backbone.{key}": value for key, value in state.items()}
        state |= {key: torch.zeros(1) for key in beside}
    torch.save(state, file)
    return state


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("size", [(224, 224), (448, 448)], ids=str)
def test_every_stage_computes_the_same(library: str, size: tuple[int, int], tmp_path: Path):
    make, maps, beside, shifts = LIBRARIES[library]
    if size != (224, 224) and library == "timm's Swin":
        make = lambda: timm_swin(img_size=size)  # noqa: E731, settled when it is built
    network = randomise(make())
    save(network, beside, tmp_path / "swin.pth")
    encoder = loaded(CONFIG, tmp_path / "swin.pth")
    assert encoder.shift_single_window is shifts
    x = image(size)
    found, wanted = mm_maps(encoder, x), maps(network, x)
    assert len(found) == len(wanted) == 4
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    encoder.shift_single_window = not shifts
    changed = mm_maps(encoder, x)[-1]
    # at 448 the last map is 2 x 2 windows, which all libraries shift
    assert torch.allclose(changed, wanted[-1], rtol=1e-5, atol=1e-5) is (size == (448, 448))


def test_microsoft_s_release_names_the_merging_by_the_stage_it_ends(tmp_path: Path):
    network = randomise(timm_swin())
    state = {
        re.sub(r"layers\.(\d)\.downsample", lambda m: f"layers.{int(m[1]) - 1}.downsample", key): v
        for key, v in network.state_dict().items()
    }
    state["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
    state["layers.0.blocks.1.attn.relative_position_index"] = torch.zeros(49, 49).long()
    torch.save(dict(model=state), tmp_path / "swin.pth")
    encoder = loaded(CONFIG, tmp_path / "swin.pth")
    for ours, theirs in zip(mm_maps(encoder, image()), timm_maps(network, image()), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_a_checkpoint_keeps_whether_a_single_window_is_shifted(tmp_path: Path):
    save(timm_swin(), None, tmp_path / "timm.pth")
    encoder = loaded(CONFIG, tmp_path / "timm.pth")
    torch.save({f"backbone.{k}": v for k, v in encoder.state_dict().items()}, tmp_path / "ours.pth")
    assert not loaded(CONFIG, tmp_path / "ours.pth").shift_single_window
    fresh = MODELS.build(CONFIG)
    assert fresh.shift_single_window
    assert "single_window_stays" not in fresh.state_dict()
    fresh.load_state_dict(encoder.state_dict())
    assert not fresh.shift_single_window
    fresh.load_state_dict(MODELS.build(CONFIG).state_dict())
    assert fresh.shift_single_window


def test_the_log_says_source_and_what_is_missing_and_unused(tmp_path: Path, caplog):
    save(timm_swin(), None, tmp_path / "timm.pth")
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    loaded(CONFIG, tmp_path / "timm.pth")
    logger.removeHandler(caplog.handler)
    tensors = len(timm_swin().state_dict()) - 2  # without the classifier
    message = rf"loaded {tensors} tensors of .*timm\.pth \(timm's Swin\); "
    assert re.search(message + r"missing: .*norm0.*not used: head\.fc", caplog.text)


@pytest.mark.parametrize(
    "table", [swin.TIMM, swin.OFFICIAL, swin.TORCHVISION], ids=lambda t: t.source
)
def test_reshapes_are_two_way(table):
    change = table.reshape("stages.2.downsample.reduction.weight")
    assert change is not None
    assert table.reshape("stages.2.blocks.0.norm1.weight") is None
    x = torch.randn(6, 12)
    assert torch.equal(change.to_theirs(change.to_ours(x)), x)
    # channel 1 of the top right position: the third group of theirs, the second place of ours
    assert torch.equal(change.to_ours(x)[:, 1 * 4 + 1], x[:, 2 * 3 + 1])


def test_keys():
    """What is called how; a changed name in a table shows here."""
    names = {
        swin.TIMM: ("layers.2.downsample.norm.bias", "layers.1.blocks.0.mlp.fc2.weight"),
        swin.OFFICIAL: ("layers.1.downsample.norm.bias", "layers.1.blocks.0.mlp.fc2.weight"),
        swin.TORCHVISION: ("features.4.norm.bias", "features.3.0.mlp.3.weight"),
        swin.TRANSFORMERS: (
            "encoder.layers.1.downsample.norm.bias",
            "encoder.layers.1.blocks.0.output.dense.weight",
        ),
    }
    for table, (merging, mlp) in names.items():
        assert table.to_ours(merging) == "stages.1.downsample.norm.bias"
        assert table.to_ours(mlp) == "stages.1.blocks.0.ffn.layers.1.weight"
        assert table.to_theirs("stages.1.downsample.norm.bias") == merging
        assert table.to_theirs("stages.1.blocks.0.ffn.layers.1.weight") == mlp
