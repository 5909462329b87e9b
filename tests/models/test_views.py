"""Test-time augmentation: merged by hand, and as mmseg's SegTTAModel does it."""

from __future__ import annotations

from inspect import signature
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mtlplugins.kinds import kinds, parts
from mtlplugins.models import ClassificationHead, DepthHead, NormalsHead, SegmentationHead
from mtlplugins.models.heads import TaskHead
from mtlplugins.models.inference import DeployedModel
from mtlplugins.models.views import View
from tests.models._models import images, make_model

SIZE = (32, 64)


def pixels(*columns: list[float]) -> Tensor:
    """Logits (v, K, 1, 1) of views of one pixel, one list per view."""
    return torch.tensor(columns)[:, :, None, None]


def logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def test_segmentation_averages_probabilities_not_logits():
    views = pixels([0.0, np.log(9.0)], [np.log(999.0), 0.0], [0.0, np.log(9.0)])
    shares = [[0.1, 0.9], [0.999, 0.001], [0.1, 0.9]]
    assert np.mean(shares, axis=0).argmax() == 1
    assert SegmentationHead(4, 2).merge(views).data.tolist() == [[[1]]]
    assert views.mean(0)[0] > views.mean(0)[1]  # the mean of the logits is for the other class


def test_a_single_channel_averages_its_probability():
    settings = dict(type="FCNHead", in_channels=4, in_index=0, channels=4, num_convs=0)
    single = dict(settings, out_channels=1, threshold=0.5, concat_input=False)
    loss = dict(type="CrossEntropyLoss", use_sigmoid=True)
    head = MODELS.build(
        dict(type="MultiTaskDecodeHead", num_classes=2, head=dict(single, loss_decode=loss))
    )
    assert head.merge(pixels([logit(0.9)], [logit(0.2)])).data.item() == 1  # mean 0.55
    assert head.merge(pixels([logit(0.9)], [logit(0.05)])).data.item() == 0  # mean 0.475
    two = MODELS.build(dict(type="MultiTaskDecodeHead", num_classes=2, head=settings))
    views = pixels([0.0, np.log(9.0)], [np.log(999.0), 0.0], [0.0, np.log(9.0)])
    assert two.merge(views).data.item() == 1


def test_depth_averages_metres():
    head = DepthHead(4, min_depth=0.5, max_depth=8.0)
    # 1/depth = sigmoid / 0.5: depths of 1 and 4 m, and one beyond the range
    views = pixels([logit(0.5)], [logit(0.125)], [-20.0])
    assert head.merge(views[:2]).data.item() == pytest.approx(2.5)
    assert head.merge(views).data.item() == pytest.approx((1 + 4 + 8) / 3)


def test_normals_are_mirrored_and_averaged_as_unit_vectors():
    head = NormalsHead(4)
    seen = pixels([3.0, 0.0, -4.0])  # length 5
    of_the_mirror_image = pixels([-0.8, 0.0, -0.6])
    views = torch.cat([seen, head.mirror(of_the_mirror_image)])
    merged = head.merge(views).data[:, 0, 0]
    # (0.6, 0, -0.8) and (0.8, 0, -0.6): their mean has the direction of (1, 0, -1)
    torch.testing.assert_close(merged, torch.tensor([1.0, 0.0, -1.0]) / 2**0.5)


def test_classification_averages_probabilities():
    merged = ClassificationHead(4, 2).merge(torch.tensor([[logit(0.9), 0.0], [logit(0.2), 0.0]]))
    torch.testing.assert_close(merged.score, torch.tensor([0.55, 0.45]))
    assert merged.label.tolist() == [0]


NUMBERS = dict(num_classes=3, num_points=2, num_values=2, num_outputs=2, min_depth=0.5, max_depth=8)


def heads_of_all_kinds() -> list[TaskHead]:
    found = {
        head: signature(head).parameters
        for kind in kinds()
        for head in parts(kind, "head")
        if head.__module__.startswith("mtlplugins.models.heads.")
    }
    return [
        head(4, **{name: number for name, number in NUMBERS.items() if name in names})
        for head, names in found.items()
        if "in_channels" in names  # else it wraps a head of mmseg, see above
    ]


def test_every_kind_merges_its_views():
    """Views that agree are their common prediction; a mirrored mirror image is the image."""
    heads = heads_of_all_kinds()
    assert sum(head.dense for head in heads) >= 9
    for head in heads:
        with torch.no_grad():
            x = torch.randn(1, 4, 6, 8)
            logits = head(x if head.dense else [x])
            alone, merged = head.predict(logits[0]), head.merge(torch.cat([logits, logits]))
        assert alone.keys() == merged.keys()
        for name, value in alone.items():
            torch.testing.assert_close(merged.get(name), value, msg=type(head).__name__)
        assert torch.equal(head.mirror(head.mirror(logits)), logits)
        assert head.mirrors != torch.equal(head.mirror(logits), logits)


def test_as_mmseg_merges():
    logits = torch.randn(3, 5, 6, 7, generator=torch.Generator().manual_seed(0)) * 3
    samples = [SegDataSample(seg_logits=PixelData(data=one)) for one in logits]
    for sample in samples:
        sample.set_metainfo(dict(img_path="a.png"))
    theirs = SegTTAModel.merge_preds(
        SimpleNamespace(module=SimpleNamespace(out_channels=5)), [samples]
    )
    ours = SegmentationHead(4, 5).merge(logits).data
    assert torch.equal(ours, theirs[0].pred_sem_seg.data)


class Sees(nn.Module):
    """A model that returns what it sees: brightness as logits, and x of normals with its sign."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        self.seen.append(images)
        return dict(semantic=images[:, :2, ::2, ::2], normals=images, scene=images.mean((2, 3)))


HEADS = dict(
    semantic=SegmentationHead(4, 2), normals=NormalsHead(4), scene=ClassificationHead(4, 3)
)


def test_a_mirrored_view_comes_back_in_its_place_with_x_negated():
    x, model = torch.randn(2, 3, 8, 12), Sees()
    logits = View(1.0, mirrored=True).predict(model, x, HEADS, divisor=1)
    torch.testing.assert_close(model.seen[0], x.flip(-1))
    torch.testing.assert_close(logits["normals"], x * torch.tensor([-1, 1, 1])[:, None, None])
    torch.testing.assert_close(logits["scene"], x.mean((2, 3)))
    half = interpolate(x[:, :2].flip(-1)[..., ::2, ::2], (8, 12), mode="bilinear").flip(-1)
    torch.testing.assert_close(logits["semantic"], half)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_scaled_view_is_padded_and_comes_back_without_its_padding(mirrored: bool):
    x, model = torch.full((1, 3, 10, 14), 5.0), Sees()
    logits = View(1.5, mirrored=mirrored).predict(model, x, HEADS, divisor=8)
    assert model.seen[0].shape[-2:] == (16, 24)  # 15 x 21, rounded up
    assert (model.seen[0][..., 15:, :] == 0).all()
    assert (model.seen[0][..., :, 21:] == 0).all()
    assert logits["normals"].shape == x.shape
    torch.testing.assert_close(logits["normals"].abs(), x)  # nothing of the padding is mixed in


def merged(tta: dict | None, mode: dict | None = None):
    model = make_model(dict(attention="all"), test_cfg=dict(tta=tta, **(mode or {}))).eval()
    with torch.no_grad():
        return model, model.predict(images(2, SIZE))


def test_a_model_merges_its_views():
    model, found = merged(dict(scales=(1.0, 1.5)))
    x, views = images(2, SIZE), []
    with torch.no_grad():
        for size in (SIZE, (48, 96)):
            big = x if size == SIZE else interpolate(x, size, mode="bilinear", align_corners=False)
            for flip in (False, True):
                out = model(big.flip(-1) if flip else big, mode="tensor")["depth"]
                out = interpolate(out, size, mode="bilinear") if out.shape[-2:] != size else out
                out = out.flip(-1) if flip else out
                views.append(interpolate(out, SIZE, mode="bilinear") if size != SIZE else out)
        metres = torch.stack([model.heads["depth"].postprocess(v) for v in views]).mean(0)
    torch.testing.assert_close(torch.stack([s.pred_depth.data for s in found]), metres)


@pytest.mark.parametrize("mode", [{}, dict(mode="slide", crop_size=(32, 32), stride=(16, 16))])
def test_a_mirrored_image_gives_the_mirrored_prediction(mode: dict):
    model, found = merged({}, mode)  # the image and its mirror image
    with torch.no_grad():
        again = model.predict(images(2, SIZE).flip(-1))
    for a, b in zip(found, again, strict=True):
        torch.testing.assert_close(a.pred_depth.data, b.pred_depth.data.flip(-1))
        torch.testing.assert_close(a.pred_scene.score, b.pred_scene.score)


def test_one_view_of_the_image_itself_changes_nothing():
    plain, alone = merged(None)[1], merged(dict(scales=(1,), flip=False))[1]
    for a, b in zip(plain, alone, strict=True):
        torch.testing.assert_close(a.pred_depth.data, b.pred_depth.data)
        assert torch.equal(a.pred_semantic.data, b.pred_semantic.data)


@pytest.mark.parametrize(
    "tta", [dict(scale=2), dict(scales=()), dict(scales=(0,)), dict(flip="yes"), [1.0], True]
)
def test_other_settings_are_refused(tta):
    with pytest.raises(ValueError, match=r"test_cfg\.tta=.*: give dict\(scales="):
        make_model(test_cfg=dict(tta=tta))


def test_a_graph_is_of_one_view():
    preprocessor = dict(type="mmseg.MultiTaskDataPreprocessor")
    model = make_model(test_cfg=dict(tta={}), data_preprocessor=preprocessor)
    with pytest.raises(ValueError, match=r"test_cfg\.tta: a graph predicts one view"):
        DeployedModel(model)
