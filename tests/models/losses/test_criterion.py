"""Every registered loss works in the heads that it fits, and is refused by name in the others."""

from __future__ import annotations

import warnings
from pathlib import Path

import mmpretrain.models  # noqa: F401, registers
import pytest
import torch
from mmpretrain.registry import MODELS as MMPRETRAIN
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, sigmoid

import mtlplugins
from mtlplugins.models.losses import (
    label_criterion,
    label_set_criterion,
    mask_criterion,
    measure_criterion,
)
from mtlplugins.models.losses.of_labels import NONE_IGNORED

DOCS = Path(mtlplugins.__file__).parent.parent / "docs/losses.md"
K, IGNORED = 3, 255
ARGUMENTS = {
    "mmpretrain.LabelSmoothLoss": dict(label_smooth_val=0.1),
    "mmpretrain.PixelReconstructionLoss": dict(criterion="L1"),
    "mmpretrain.CAELoss": dict(lambd=1.0),
    "mmpretrain.SwAVLoss": dict(feat_dim=4),
    "mmseg.OhemCrossEntropy": dict(min_kept=5),
}
HEADS = (
    "SegmentationHead",
    "ClassificationHead",
    "MultiLabelHead",
    "DepthHead",
    "RegressionHead",
    "NormalsHead",
    "MaskHead",
)
_LABELS = {
    "mmseg.CrossEntropyLoss",
    "mmseg.FocalLoss",
    "mmseg.OhemCrossEntropy",
    "mmseg.TverskyLoss",
    "mmpretrain.AsymmetricLoss",
    "mmpretrain.CrossEntropyLoss",
    "mmpretrain.FocalLoss",
    "mmpretrain.LabelSmoothLoss",
    "mmpretrain.SeesawLoss",
}
FITS = {
    "SegmentationHead": _LABELS | {"mmseg.DiceLoss", "mmseg.LovaszLoss"},
    "ClassificationHead": _LABELS,
    "MultiLabelHead": {
        "mmseg.CrossEntropyLoss",
        "mmpretrain.AsymmetricLoss",
        "mmpretrain.CrossEntropyLoss",
        "mmpretrain.FocalLoss",
    },
    "MaskHead": {
        "mmseg.CrossEntropyLoss",
        "mmseg.DiceLoss",
        "mmseg.FocalLoss",
        "mmseg.LovaszLoss",
        "mmseg.OhemCrossEntropy",
        "mmseg.TverskyLoss",
    },
    "RegressionHead": {"mmpretrain.PixelReconstructionLoss"},
    "DepthHead": {"mmseg.SiLogLoss", "mmpretrain.PixelReconstructionLoss"},
    "NormalsHead": {"mmpretrain.CosineSimilarityLoss", "mmpretrain.PixelReconstructionLoss"},
}
SEGMENTATION = sorted(FITS["SegmentationHead"])


def registered() -> list[str]:
    """Every loss of mmseg and mmpretrain."""
    return sorted(
        f"{scope}.{name}"
        for scope, registry in (("mmseg", MODELS), ("mmpretrain", MMPRETRAIN))
        for name, kind in registry.module_dict.items()
        if ".losses" in kind.__module__ and not kind.__module__.startswith("mtlplugins")
    )


NAMES = registered()


def config(name: str, **more) -> dict:
    return dict(type=name, **ARGUMENTS.get(name, {})) | more


def criterion(head: str, loss):
    if head == "MaskHead":
        return mask_criterion(head, loss)
    if head == "MultiLabelHead":
        sigmoid = dict(use_sigmoid=True) if "CrossEntropyLoss" in loss["type"] else {}
        return label_set_criterion(head, loss | sigmoid, K)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mmseg's advice on avg_non_ignore
        if head in ("SegmentationHead", "ClassificationHead"):
            return label_criterion(head, loss, K, dense=head == "SegmentationHead")
        channels, positive = (3 if head == "NormalsHead" else 1), head != "RegressionHead"
        return measure_criterion(head, loss, channels, positive=positive)


def maps() -> tuple[Tensor, Tensor]:
    """Logits (2, K, 6, 7), and labels of which a quarter is ignored."""
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(K, (2, 6, 7), generator=draw)
    labels[0, :3] = IGNORED
    return torch.randn(2, K, 6, 7, generator=draw), labels


def evaluate(loss, pred: Tensor, *others) -> tuple[Tensor, Tensor]:
    pred = pred.detach().clone().requires_grad_()
    value = loss(pred, *others)
    value.backward()
    return value.detach(), pred.grad


def test_all_losses_are_looked_at() -> None:
    assert len(NAMES) >= 19
    assert set().union(*FITS.values()) <= set(NAMES)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_works_or_is_refused_by_name(name: str, head: str) -> None:
    if name in FITS[head]:
        criterion(head, config(name))
        return
    with pytest.raises(ValueError, match=rf"{head}: loss='{name}'"):
        criterion(head, config(name))


@pytest.mark.parametrize("name", SEGMENTATION)
def test_ignored_pixels_change_nothing(name: str) -> None:
    logits, labels = maps()
    loss = criterion("SegmentationHead", config(name))
    torch.manual_seed(1)
    value, gradient = evaluate(loss, logits, labels, IGNORED)
    loss = criterion("SegmentationHead", config(name))  # some count what they have seen
    other = torch.where((labels == IGNORED)[:, None], logits * 3 - 1, logits)
    again, moved = evaluate(loss, other, labels, IGNORED)
    torch.testing.assert_close(again, value)
    torch.testing.assert_close(moved, gradient)
    assert value > 0
    assert (gradient.abs().sum(1)[labels == IGNORED] == 0).all()


@pytest.mark.parametrize("name", SEGMENTATION)
def test_nothing_to_learn_from_gives_zero(name: str) -> None:
    logits, labels = maps()
    loss = criterion("SegmentationHead", config(name))
    value, gradient = evaluate(loss, logits, torch.full_like(labels, IGNORED), IGNORED)
    assert torch.isfinite(value)
    assert (gradient == 0).all()


@pytest.mark.parametrize("name", SEGMENTATION)
def test_half_precision_is_widened(name: str) -> None:
    logits, labels = maps()
    logits = logits.bfloat16()
    expected = criterion("SegmentationHead", config(name))(logits.float(), labels, IGNORED)
    with torch.autocast("cpu", torch.bfloat16):
        value = criterion("SegmentationHead", config(name))(logits, labels, IGNORED)
    assert value.dtype == torch.float32
    assert torch.equal(value, expected)


@pytest.mark.parametrize("name", SEGMENTATION)
def test_a_list_is_the_weighted_sum(name: str) -> None:
    logits, labels = maps()
    one = criterion("SegmentationHead", config(name))(logits, labels, IGNORED)
    plain = criterion("SegmentationHead", dict(type="mmseg.CrossEntropyLoss"))
    other = plain(logits, labels, IGNORED)
    both = [config(name, loss_weight=2.5), dict(type="mmseg.CrossEntropyLoss")]
    total = criterion("SegmentationHead", both)(logits, labels, IGNORED)
    torch.testing.assert_close(total, 2.5 * one + other)


@pytest.mark.parametrize("ignored", [IGNORED, NONE_IGNORED, -1, 7])
def test_class_weights_are_those_of_pytorch(ignored: int) -> None:
    logits, labels = maps()
    labels[labels == IGNORED] = ignored
    weights = [1.0, 2.0, 0.5]
    loss = criterion("SegmentationHead", dict(type="CrossEntropyLoss", class_weight=weights))
    expected = cross_entropy(logits, labels, torch.tensor(weights), ignore_index=ignored)
    torch.testing.assert_close(loss(logits, labels, ignored), expected)


def test_a_sigmoid_with_class_weights_weighs_the_positives() -> None:
    logits, labels = maps()
    loss = criterion(
        "SegmentationHead",
        dict(type="CrossEntropyLoss", use_sigmoid=True, class_weight=[1.0, 2.0, 0.5]),
    )
    known = labels != IGNORED
    rows, truth = logits.movedim(1, -1)[known], torch.eye(K)[labels[known]]
    share, weights = sigmoid(rows), torch.tensor([1.0, 2.0, 0.5])
    by_hand = -(weights * truth * share.log() + (1 - truth) * (1 - share).log()).mean()
    torch.testing.assert_close(loss(logits, labels, IGNORED), by_hand)


@pytest.mark.parametrize("more", [{}, dict(class_weight=[1.0, 2.0, 0.5], alpha=[0.2, 0.5, 0.7])])
def test_focal_loss_on_a_cpu(more: dict) -> None:
    """mmseg makes labels of the wrong shape there (mmsegmentation#3249)."""
    logits, labels = maps()
    known = labels != IGNORED
    rows, truth = logits.movedim(1, -1)[known], torch.eye(K)[labels[known]]
    right = torch.where(truth == 1, sigmoid(rows), 1 - sigmoid(rows))
    alpha = torch.tensor(more.get("alpha", 0.5))
    balance = torch.where(truth == 1, alpha, 1 - alpha)
    weights = torch.tensor(more.get("class_weight", 1.0))
    by_hand = (-weights * balance * (1 - right) ** 2 * right.log()).mean()
    loss = criterion("SegmentationHead", dict(type="FocalLoss", **more))
    torch.testing.assert_close(loss(logits, labels, IGNORED), by_hand)


def test_dice_of_pixels_with_ground_truth() -> None:
    logits, labels = maps()
    loss = criterion("SegmentationHead", dict(type="DiceLoss", use_sigmoid=False))
    known = (labels != IGNORED)[:, None]
    share = logits.softmax(1) * known
    truth = torch.eye(K)[torch.where(labels == IGNORED, 0, labels)].movedim(-1, 1) * known
    both, square = (share * truth).flatten(1).sum(1), lambda x: (x * x).flatten(1).sum(1) + 1e-3
    by_hand = (1 - 2 * both / (square(share) + square(truth))).mean()
    torch.testing.assert_close(loss(logits, labels, IGNORED), by_hand)


def test_the_256th_class_counts_in_dice() -> None:
    loss = label_criterion("SegmentationHead", dict(type="DiceLoss"), 257, dense=True)
    logits = torch.zeros(1, 257, 2, 2)
    labels = torch.full((1, 2, 2), 255)
    _, gradient = evaluate(loss, logits, labels, 65535)
    assert (gradient[:, 255] < 0).all()


def test_silog_of_depths_with_missing_pixels() -> None:
    pred = torch.tensor([[1.0, 2.0, 4.0, 9.0], [1.0, 1.0, 1.0, 1.0]]).reshape(2, 1, 1, 4)
    target = torch.tensor([[2.0, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]).reshape(2, 1, 1, 4)
    loss = criterion("DepthHead", dict(type="SiLogLoss"))
    value, gradient = evaluate(loss, pred, target, target > 0)
    errors = torch.tensor([0.5, 1.0, 2.0]).log()
    expected = ((errors**2).mean() - 0.5 * errors.mean() ** 2).sqrt()
    torch.testing.assert_close(value, expected)
    assert torch.isfinite(gradient).all()
    assert (gradient[1] == 0).all()
    assert gradient[0, 0, 0, 3] == 0


@pytest.mark.parametrize("head", ["DepthHead", "NormalsHead"])
def test_measures_without_ground_truth_change_nothing(head: str) -> None:
    channels = 1 if head == "DepthHead" else 3
    draw = torch.Generator().manual_seed(0)
    pred = torch.rand(2, channels, 4, 5, generator=draw) + 0.1
    target = torch.rand(2, channels, 4, 5, generator=draw) + 0.1
    valid = torch.rand(2, 4, 5, generator=draw) > 0.3
    wide = valid[:, None].expand_as(pred)
    mask = valid[:, None] if channels == 1 else valid
    losses = [config(name, loss_weight=0.5) for name in sorted(FITS[head])]
    loss = criterion(head, [*losses])
    value, _ = evaluate(loss, pred, target, mask)
    other, gradient = evaluate(
        loss, torch.where(wide, pred, 5), torch.where(wide, target, torch.inf), mask
    )
    torch.testing.assert_close(other, value)
    assert (gradient[~wide] == 0).all()
    nothing, gradient = evaluate(loss, pred, target, torch.zeros_like(mask))
    assert nothing == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ([], r"loss=\[\] leaves nothing"),
        (dict(type="NoSuchLoss"), "'NoSuchLoss' is no registered loss"),
        (dict(type="CrossEntropyLoss", reduction="none"), "does not work"),
        (dict(type="CrossEntropyLoss", class_weight=[1.0, 2.0]), "does not work"),
        (dict(type="CrossEntropyLoss", use_mask=True), "does not work"),
        (dict(type="TverskyLoss", alpha=0.5), "cannot be built .*1.0"),
        (dict(type="DiceLoss", smooth=1), "cannot be built .*smooth"),
        ([dict(type="DiceLoss"), dict(type="BoundaryLoss")], "'BoundaryLoss' does not work"),
    ],
)
def test_what_is_wrong_is_said_at_build_time(loss, words: str) -> None:
    with pytest.raises(ValueError, match=f"SegmentationHead: .*{words}"):
        criterion("SegmentationHead", loss)


class OwnLoss(nn.Module):
    def forward(self, logits: Tensor, labels: Tensor, *, ignore_index: int) -> Tensor:
        return logits[:, 0][labels != ignore_index].mean()


def test_a_loss_of_your_own_is_called_as_mmsegs_are() -> None:
    MODELS.register_module(name="OwnLossForTest", module=OwnLoss, force=True)
    logits, labels = maps()
    loss = criterion("SegmentationHead", dict(type="OwnLossForTest", loss_weight=3.0))
    expected = 3 * logits[:, 0][labels != IGNORED].mean()
    torch.testing.assert_close(loss(logits, labels, IGNORED), expected)


def test_a_state_from_when_the_loss_was_the_criterion_is_loaded() -> None:
    loss = criterion("ClassificationHead", dict(type="mmpretrain.SeesawLoss"))
    loss.load_state_dict(dict(cum_samples=torch.tensor([1.0, 2.0, 3.0])))
    assert loss.losses[0].cum_samples.tolist() == [1, 2, 3]


@pytest.mark.parametrize("where", [torch.no_grad(), torch.inference_mode(), torch.device("meta")])
def test_heads_are_built_anywhere(where) -> None:
    wanted = [("SegmentationHead", name) for name in SEGMENTATION]
    wanted += [("DepthHead", name) for name in sorted(FITS["DepthHead"])]
    with where:
        built = [criterion(head, config(name)) for head, name in wanted]
    kinds = [type(made.losses[0]).__name__ for made in built]
    assert kinds == [name.rpartition(".")[2] for _, name in wanted]


def test_building_draws_no_random_number() -> None:
    state = torch.get_rng_state()
    for name in SEGMENTATION:
        criterion("SegmentationHead", config(name))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", SEGMENTATION)
def test_mmsegs_heads_take_them_too(name: str) -> None:
    logits, labels = maps()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        head = MODELS.build(
            dict(
                type="MultiTaskDecodeHead",
                num_classes=K,
                head=dict(
                    type="FCNHead",
                    in_channels=4,
                    channels=4,
                    loss_decode=[config(name, loss_name="loss_one"), config("mmseg.DiceLoss")],
                ),
            )
        )
    targets = [type("Pixels", (), dict(data=target[None]))() for target in labels]
    found = head.loss(logits, targets)
    # equal to mmseg's head also in how it takes ignored pixels in DiceLoss
    losses = [config(name), config("mmseg.DiceLoss")]
    expected = label_criterion("", losses, K, dense=True, like_mmseg=True)
    torch.testing.assert_close(found["loss"], expected(logits, labels, IGNORED))
    assert {"one", "dice"} <= set(found)


def table() -> str:
    """Write the table of docs/losses.md."""
    lines = [
        "| loss | segmentation | classes of images | several labels | depth | numbers of images "
        "| normals | masks |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in NAMES:
        verdicts = ["works" if name in FITS[head] else "refused" for head in HEADS]
        lines.append(f"| `{name}` | {' | '.join(verdicts)} |")
    return "\n".join(lines) + "\n"


def test_the_docs_have_the_table() -> None:
    assert table() in DOCS.read_text()
