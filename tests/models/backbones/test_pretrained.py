from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from mmengine.runner import CheckpointLoader
from mmseg.registry import MODELS
from torch import Tensor, nn

from tests.models._models import (
    PLANS,
    cond_swin,
    conditional_names,
    perturb,
    perturb_conditioning,
    plain_swin,
)


@pytest.fixture
def state() -> dict[str, Tensor]:
    encoder = plain_swin()
    perturb(encoder.parameters(), std=0.1)
    return dict(encoder.state_dict())


def load(content: object, folder: Path, *, plan: dict | None = None, **settings) -> nn.Module:
    """An encoder initialised from a file that holds ``content``."""
    torch.save(content, folder / "swin.pth")
    init_cfg = dict(type="Pretrained", checkpoint=str(folder / "swin.pth"))
    init_cfg |= settings.pop("init_cfg", {})
    encoder = cond_swin(plan, init_cfg=init_cfg, **settings)
    encoder.init_weights()
    return encoder


def assert_loaded(encoder: nn.Module, state: dict[str, Tensor]) -> None:
    own = encoder.state_dict()
    assert set(own) - conditional_names(encoder) == set(state)
    for name, value in state.items():
        assert torch.equal(own[name], value), name


def under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + key: value for key, value in state.items()}


@pytest.mark.parametrize("plan", [None, PLANS["all three"]], ids=["plain", "conditioned"])
def test_layouts_of_checkpoints(plan: dict | None, state: dict, tmp_path):
    head = {"decode_head.conv_seg.weight": torch.zeros(3)}
    for content in (
        state,
        dict(state_dict=state, meta=dict(epoch=3)),
        dict(model=state),
        dict(state_dict=under("backbone.", state) | head),
        under("module.", state),
        dict(state_dict=under("module.backbone.", state) | head),
    ):
        assert_loaded(load(content, tmp_path, plan=plan), state)


@pytest.mark.parametrize("prefix", ["encoder.swin", "encoder.swin."])
def test_prefix(prefix: str, state: dict, tmp_path):
    other = {key: torch.zeros_like(value) for key, value in state.items()}
    content = under("encoder.swin.", state) | under("backbone.", other)
    assert_loaded(load(content, tmp_path, init_cfg=dict(prefix=prefix)), state)
    with pytest.raises(ValueError, match=r"no key that starts with 'teacher\.'; keys: encoder"):
        load(content, tmp_path, init_cfg=dict(prefix="teacher"))


def test_norms_of_the_maps_may_be_missing(state: dict, tmp_path):
    partial = {k: v for k, v in state.items() if not k.startswith("norm")}
    own = load(partial, tmp_path).state_dict()
    assert len(partial) == len(state) - 8
    assert all(torch.equal(own[name], value) for name, value in partial.items())
    assert (own["norm2.weight"] == 1).all()
    assert (own["norm2.bias"] == 0).all()


def test_conditional_norms_from_scratch(state: dict, tmp_path):
    """They alone start at 1 and 0, as in the thesis; else they start as the pretrained norm."""
    plan = dict(attention="all", norm=(0, 0, 1, 1))
    assert_loaded(load(state, tmp_path, plan=plan), state)
    own = load(state, tmp_path, plan=plan | dict(norm_from_scratch=True)).state_dict()
    conditional = [
        f"stages.{place}.norm{i}" for place in ("2.blocks.1", "3.blocks.0") for i in (1, 2)
    ]
    for name in conditional:
        assert (own[f"{name}.weight"] == 1).all()
        assert (own[f"{name}.bias"] == 0).all()
        assert not (state[f"{name}.weight"] == 1).any()
    changed = {f"{name}.{part}" for name in conditional for part in ("weight", "bias")}
    assert changed < set(state)
    for name in set(state) - changed:
        assert torch.equal(own[name], state[name]), name


def test_what_is_not_used_may_be_there(state: dict, tmp_path):
    assert_loaded(load(state | {"head.weight": torch.zeros(2)}, tmp_path), state)


def test_a_checkpoint_s_conditioning_is_not_taken_over(state: dict, tmp_path):
    """Its task embedding is not loaded, so its conditional modules would act at random."""
    trained = cond_swin(PLANS["all three"])
    trained.load_state_dict(state, strict=False)
    perturb_conditioning(trained)
    encoder = load(trained.state_dict(), tmp_path, plan=PLANS["all three"])
    film = encoder.stages[0].blocks[0].norm1.film.generator
    assert (film.weight == 0).all()
    assert (encoder.stages[3].blocks[0].conditional_attention.blocks == 0).all()


def test_missing_tensors(state: dict, tmp_path):
    partial = {k: v for k, v in state.items() if "stages.1" not in k and "patch_embed" not in k}
    message = (
        r"swin\.pth is a checkpoint of another architecture than this CondSwinTransformer: it "
        r"lacks \d+ of \d+ tensors \(patch_embed.projection.weight, .* more\)\. "
        r"Its own keys: stages\.0"
    )
    with pytest.raises(ValueError, match=message):
        load(partial, tmp_path, plan=PLANS["all three"])


def test_other_shapes(tmp_path):
    wide = plain_swin(embed_dims=32).state_dict()
    message = (
        r"another architecture.*has \d+ of another shape \(patch_embed\.projection\.weight "
        r"\(32, 3, 4, 4\) instead of \(16, 3, 4, 4\), .* more\)"
    )
    with pytest.raises(ValueError, match=message) as error:
        load(wide, tmp_path)
    assert len(str(error.value)) < 700


def test_another_network(tmp_path):
    resnet = {"layer1.0.conv1.weight": torch.zeros(2), "fc.bias": torch.zeros(2)}
    with pytest.raises(ValueError, match=r"lacks (\d+) of \1 tensors.*keys: layer1.*fc\.bias"):
        load(resnet, tmp_path)


@pytest.mark.parametrize("plan", [None, PLANS["all three"]], ids=["plain", "conditioned"])
def test_another_window_size_as_in_mmseg(plan: dict | None, state: dict, tmp_path):
    ours = load(state, tmp_path, plan=plan, window_size=7)
    # mmseg stumbles over the index of the other window, so take it out for it
    content = {k: v for k, v in state.items() if not k.endswith("relative_position_index")}
    torch.save(content, tmp_path / "tables.pth")
    init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "tables.pth"))
    theirs = plain_swin(window_size=7, init_cfg=init_cfg)
    theirs.init_weights()
    assert_loaded(ours, dict(theirs.state_dict()))
    table = ours.stages[0].blocks[0].attn.w_msa.relative_position_bias_table
    assert table.shape == (13 * 13, 1)
    assert table.std() > 0.05


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut short"])
def test_not_a_checkpoint(content: bytes, tmp_path):
    file = tmp_path / "notes.pth"
    file.write_bytes(content)
    encoder = cond_swin(init_cfg=dict(type="Pretrained", checkpoint=str(file)))
    with pytest.raises(
        ValueError, match=r"notes\.pth is (no checkpoint, or is damaged|a damaged checkpoint): "
    ):
        encoder.init_weights()


@pytest.mark.parametrize("content", [dict(epoch=3), [1, 2], dict(state_dict={})])
def test_a_file_without_tensors(content: object, tmp_path):
    with pytest.raises(ValueError, match=r"swin\.pth holds no tensors"):
        load(content, tmp_path)


def test_no_such_file(tmp_path):
    encoder = cond_swin(init_cfg=dict(type="Pretrained", checkpoint=str(tmp_path / "gone.pth")))
    with pytest.raises(FileNotFoundError, match=r"gone\.pth.*init_cfg\.checkpoint=FILE"):
        encoder.init_weights()


@pytest.mark.parametrize("error", [URLError("no route"), TimeoutError("late"), ConnectionError()])
def test_unreachable_url(error: OSError, monkeypatch: pytest.MonkeyPatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(CheckpointLoader, "load_checkpoint", fail)
    url = "https://example.invalid/swin.pth"
    encoder = cond_swin(init_cfg=dict(type="Pretrained", checkpoint=url))
    with pytest.raises(FileNotFoundError, match=rf"{url}.*init_cfg\.checkpoint=FILE.*from scratch"):
        encoder.init_weights()


def test_init_cfg_without_a_checkpoint():
    with pytest.raises(ValueError, match=r"init_cfg=.*TruncNormal.*checkpoint=FILE_OR_URL"):
        cond_swin(init_cfg=dict(type="TruncNormal", layer="Linear")).init_weights()


def test_pretrained_is_init_cfg_in_the_way_of_older_configs(state: dict, tmp_path):
    torch.save(state, tmp_path / "swin.pth")
    encoder = cond_swin(None, pretrained=str(tmp_path / "swin.pth"))
    encoder.init_weights()
    assert_loaded(encoder, state)
    assert cond_swin(None, pretrained=None).init_cfg is None


@pytest.mark.parametrize("kind", ["CondSwinTransformer", "CondVisionTransformer", "CondResNet"])
def test_two_checkpoints_are_refused(kind: str):
    needed = dict(depth=18) if "ResNet" in kind else {}
    init_cfg = dict(type="Pretrained", checkpoint="b.pth")
    with pytest.raises(ValueError, match=f"{kind}: give pretrained or init_cfg, not both"):
        MODELS.build(dict(type=kind, pretrained="a.pth", init_cfg=init_cfg, **needed))
