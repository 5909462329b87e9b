from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.models._models import perturb
from tests.models.backbones._vit import ARCH, PLANS, cond_vit, plain_vit


@pytest.mark.parametrize("with_cls_token", [True, False])
@pytest.mark.parametrize("img_size", [32, 48, (24, 40)], ids=str)
def test_position_embedding_of_another_size_as_in_mmpretrain(
    img_size: int | tuple, with_cls_token: bool, tmp_path
):
    trained = plain_vit(with_cls_token=with_cls_token)
    perturb(trained.parameters(), std=0.1)
    torch.save(trained.state_dict(), tmp_path / "vit.pth")
    init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "vit.pth"))
    settings = dict(img_size=img_size, with_cls_token=with_cls_token)
    ours = cond_vit(PLANS["all three"], init_cfg=init_cfg, **settings)
    ours.init_weights()
    theirs = plain_vit(**settings)
    theirs.load_state_dict(trained.state_dict(), strict=True)
    own = ours.state_dict()
    for name, value in theirs.state_dict().items():
        assert torch.equal(own[name], value), name
    assert ours.pos_embed[:, 1:].std() > 0.05


def test_a_class_token_may_be_left_out_at_another_size(tmp_path):
    trained = plain_vit()
    perturb(trained.parameters(), std=0.1)
    torch.save(trained.state_dict(), tmp_path / "vit.pth")
    init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "vit.pth"))
    encoder = cond_vit(init_cfg=init_cfg, with_cls_token=False, img_size=64)
    encoder.init_weights()
    grid = trained.pos_embed[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)
    grid = nn.functional.interpolate(grid, size=(8, 8), mode="bicubic")
    torch.testing.assert_close(encoder.pos_embed, grid.flatten(2).transpose(1, 2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(with_cls_token=False), r"lacks 1 of \d+ tensors \(cls_token\).*pos_embed"),
        (dict(arch=ARCH | dict(embed_dims=32)), r"of another shape \(cls_token \(1, 1, 32\)"),
        (dict(arch=ARCH | dict(num_layers=3)), r"lacks \d+ of \d+ tensors \(layers\.3"),
        (dict(img_size=(24, 40), with_cls_token=False), r"pos_embed \(1, 15, 16\) instead of"),
    ],
)
def test_checkpoints_of_another_architecture(settings: dict, message: str, tmp_path):
    torch.save(plain_vit(**dict(out_indices=[0]) | settings).state_dict(), tmp_path / "vit.pth")
    encoder = cond_vit(init_cfg=dict(type="Pretrained", checkpoint=str(tmp_path / "vit.pth")))
    with pytest.raises(ValueError, match=rf"another architecture than this CondV.*{message}"):
        encoder.init_weights()


def test_the_norm_of_the_mean_may_be_missing(tmp_path):
    state = plain_vit().state_dict()
    torch.save(state, tmp_path / "vit.pth")
    init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "vit.pth"))
    encoder = cond_vit(out_type="avg_featmap", init_cfg=init_cfg)
    encoder.init_weights()
    assert set(encoder.state_dict()) - set(state) == {"ln2.weight", "ln2.bias"}
    del state["ln1.weight"], state["layers.1.ln2.weight"]
    torch.save(state, tmp_path / "vit.pth")
    with pytest.raises(ValueError, match=r"lacks 2 of \d+ tensors \(layers\.1\.ln2.*ln1\.weight\)"):
        encoder.init_weights()


@pytest.mark.parametrize("norm_from_scratch", [False, True])
def test_conditional_norms_start_at_the_pretrained_ones_or_not(norm_from_scratch: bool, tmp_path):
    trained = plain_vit()
    perturb(trained.parameters(), std=0.1)
    torch.save(trained.state_dict(), tmp_path / "vit.pth")
    plan = dict(norm=(2,), norm_from_scratch=norm_from_scratch)
    init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "vit.pth"))
    encoder = cond_vit(plan, init_cfg=init_cfg)
    encoder.init_weights()
    for name, value in trained.state_dict().items():
        anew = norm_from_scratch and name.startswith(("layers.2.ln", "layers.3.ln"))
        wanted = torch.full_like(value, float("weight" in name)) if anew else value
        assert torch.equal(encoder.state_dict()[name], wanted), name
