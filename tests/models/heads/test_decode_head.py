from __future__ import annotations

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.nn import functional as F

from mtlplugins.models.heads import MultiTaskDecodeHead
from tests.models._models import CLASSES, images, make_model, make_sample, perturb

CHANNELS = (16, 32, 64, 128)
COMMON = dict(channels=8, dropout_ratio=0.0, norm_cfg=dict(type="BN"), align_corners=False)
ALL_MAPS = dict(in_channels=list(CHANNELS), in_index=[0, 1, 2, 3], **COMMON)
HEADS = {
    "UPerHead": dict(type="UPerHead", pool_scales=(1, 2), **ALL_MAPS),
    "SegformerHead": dict(type="SegformerHead", **ALL_MAPS),
    "FCNHead": dict(type="FCNHead", in_channels=64, in_index=2, num_convs=1, **COMMON),
}
CE = dict(type="CrossEntropyLoss", loss_name="loss_ce", loss_weight=2.0)
DICE = dict(type="DiceLoss", loss_name="loss_dice", loss_weight=0.5)
LOSSES = {
    "as mmseg": {},
    "two": dict(loss_decode=[CE, DICE]),
    "two of one name": dict(loss_decode=[CE, CE | dict(avg_non_ignore=True)]),
    "sampler": dict(sampler=dict(type="OHEMPixelSampler", thresh=0.5, min_kept=40)),
}


def both(config: dict, *, classes: int = CLASSES) -> tuple:
    """mmseg's head and ours, with equal weights."""
    theirs = MODELS.build({**config, "num_classes": classes})
    perturb(theirs.parameters())
    ours = MODELS.build(dict(type="MultiTaskDecodeHead", num_classes=classes, head=config))
    ours.decode_head.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


def make_maps(n: int = 2) -> list[Tensor]:
    return [torch.randn(n, c, 16 >> i, 12 >> i) for i, c in enumerate(CHANNELS)]


def make_targets(n: int = 2, classes: int = CLASSES, size=(30, 25)) -> list[PixelData]:
    target = torch.randint(0, classes, (n, 1, *size))
    target[torch.rand(target.shape) < 0.3] = 255
    return [PixelData(data=t) for t in target]


@pytest.mark.parametrize("settings", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("config", HEADS.values(), ids=HEADS)
def test_logits_loss_and_gradients_equal_mmseg_s(config: dict, settings: dict):
    theirs, ours = both(config | settings)
    maps, targets = make_maps(), make_targets()
    samples = [SegDataSample(gt_sem_seg=t) for t in targets]
    logits = theirs(maps)
    torch.testing.assert_close(ours(maps), logits, rtol=1e-6, atol=1e-6)
    theirs.zero_grad(), ours.zero_grad()
    found = theirs.loss(maps, samples, train_cfg={})
    wanted = sum(v for k, v in found.items() if k.startswith("loss"))
    out = ours.loss(ours(maps), targets)
    torch.testing.assert_close(out["loss"], wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(out["acc"], found["acc_seg"])
    wanted.backward(), out["loss"].backward()
    own = dict(ours.decode_head.named_parameters())
    assert own.keys() == dict(theirs.named_parameters()).keys()
    for name, p in theirs.named_parameters():
        torch.testing.assert_close(own[name].grad, p.grad, rtol=1e-4, atol=1e-6, msg=name)


def test_several_losses_are_logged_by_names_that_are_not_added():
    theirs, ours = both(HEADS["FCNHead"] | dict(loss_decode=[CE, DICE]))
    maps, targets = make_maps(), make_targets()
    out = ours.loss(ours(maps), targets)
    assert set(out) == {"loss", "acc", "ce", "dice"}
    torch.testing.assert_close(out["ce"] + out["dice"], out["loss"])
    assert not out["ce"].requires_grad
    found = theirs.loss(maps, [SegDataSample(gt_sem_seg=t) for t in targets], train_cfg={})
    torch.testing.assert_close(out["dice"], found["loss_dice"].detach())
    assert set(both(HEADS["FCNHead"])[1].loss(ours(maps), targets)) == {"loss", "acc"}


def test_after_a_decoder_it_gets_that_map():
    theirs, ours = both(HEADS["FCNHead"] | dict(in_index=0))
    x = torch.randn(2, 64, 6, 7)
    torch.testing.assert_close(ours(x), theirs([x]))


def test_prediction_and_targets():
    ours = both(HEADS["FCNHead"])[1]
    logits = torch.randn(CLASSES, 4, 6)
    prediction = ours.predict(logits).data
    assert prediction.tolist() == [logits.argmax(dim=0).tolist()]
    assert prediction.dtype == torch.int64
    targets = make_targets()
    assert ours.num_targets(targets) == sum(int((t.data < CLASSES).sum()) for t in targets) > 0
    assert ours.dense
    assert ours.num_classes == ours.decode_head.num_classes == CLASSES


def test_one_channel_tells_two_classes():
    loss = dict(type="CrossEntropyLoss", use_sigmoid=True)
    config = HEADS["FCNHead"] | dict(out_channels=1, threshold=0.6, loss_decode=loss)
    ours = both(config, classes=2)[1]
    logits = torch.randn(1, 1, 6, 7)
    target = torch.randint(0, 2, (1, 1, 6, 7))
    out = ours.loss(logits, [PixelData(data=target[0])])
    wanted = F.binary_cross_entropy_with_logits(logits, target.float())
    torch.testing.assert_close(out["loss"], wanted)
    assert set(out) == {"loss"}
    prediction = ours.predict(logits[0]).data
    assert prediction.tolist() == (torch.sigmoid(logits[0]) > 0.6).long().tolist()
    assert prediction.dtype == torch.int64
    with pytest.raises(ValueError, match="label 2 in a target"):
        ours.loss(logits, [PixelData(data=target[0] + 1)])


@pytest.mark.parametrize("label", [CLASSES, 254, -1])
def test_wrong_label(label: int):
    ours = both(HEADS["FCNHead"])[1]
    targets = make_targets()
    targets[1].data[0, 2, 3] = label
    with pytest.raises(ValueError, match=f"label {label} in a target.*num_classes=5.*=255"):
        ours.loss(torch.randn(2, CLASSES, 8, 6), targets)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (HEADS["FCNHead"] | dict(num_classes=5), "'FCNHead': give num_classes beside head"),
        (HEADS["FCNHead"] | dict(align_corners=True), "'FCNHead'.*align_corners=False"),
        (
            dict(type="SegmentationHead", in_channels=4),
            "'SegmentationHead' is no head.*take UPerHead",
        ),
        (
            dict(type="PointHead", in_channels=[64], in_index=[2], channels=8),
            "'PointHead' is no head that makes one map",
        ),
    ],
)
def test_heads_that_do_not_fit(head: dict, message: str):
    with pytest.raises(ValueError, match=message):
        MultiTaskDecodeHead(5, head=head)


def test_several_maps_of_logits():
    config = dict(type="DAHead", in_channels=64, in_index=2, pam_channels=4, **COMMON)
    head = MultiTaskDecodeHead(5, head=config)
    with pytest.raises(ValueError, match="DAHead makes more than one map"):
        head(make_maps())


@pytest.mark.parametrize("config", HEADS.values(), ids=HEADS)
def test_trains_and_predicts_beside_another_task(config: dict):
    depth = dict(type="ConvUNetDecoder", in_channels=CHANNELS, channels=(4, 4, 4))
    model = make_model(
        dict(attention=(0, 0, 1, 1)),
        decoders=dict(depth=depth),
        heads=dict(
            semantic=dict(type="MultiTaskDecodeHead", num_classes=CLASSES, head=config),
            depth=dict(type="DepthHead", in_channels=4, min_depth=0.5, max_depth=10.0),
        ),
    )
    size = (40, 32)
    samples = [make_sample("semantic", "depth", size=size) for _ in range(2)]
    losses = model.loss(images(2, size), samples)
    assert set(losses) == {"semantic_loss", "semantic_acc", "depth_loss"}
    (losses["semantic_loss"] + losses["depth_loss"]).backward()
    assert all(p.grad is not None for p in model.parameters())
    for sample in model.eval().predict(images(2, size), samples):
        assert sample.pred_semantic.data.shape == (1, *size)
        assert set(sample.pred_semantic.data.unique().tolist()) <= set(range(CLASSES))
