from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from torch import Tensor
from torch.nn import functional as F

from mtlplugins.models import MultiTaskDataPreprocessor, MultiTaskModel
from tests.models._models import (
    CLASSES,
    PLANS,
    SCENES,
    TASKS,
    images,
    make_model,
    make_sample,
    perturb_conditioning,
)

REPOSITORY = Path(__file__).parents[2]
MIXED = [("semantic", "depth", "scene"), ("depth",), ("scene", "depth"), ("semantic", "scene")]


def samples_of(*tasks: tuple[str, ...], size: tuple[int, int] = (32, 32)) -> list:
    return [make_sample(*t, size=size, seed=i, name=f"{i}.png") for i, t in enumerate(tasks)]


def conditioned(plan: str = "all three", **settings) -> MultiTaskModel:
    """A model whose tasks already differ."""
    model = make_model(PLANS[plan], **settings).eval()
    perturb_conditioning(model)
    return model


def total(losses: dict[str, Tensor]) -> Tensor:
    return sum(value for name, value in losses.items() if "loss" in name)


@pytest.mark.parametrize("plan", [None, "all three", "last blocks"])
def test_losses_of_a_partly_labelled_batch_are_those_of_each_task_alone(plan: str | None):
    model = conditioned(plan) if plan else make_model().eval()
    x = images(4)
    with torch.no_grad():
        losses = model.loss(x, samples_of(*MIXED))
        assert set(losses) == {
            "semantic_loss", "semantic_acc", "depth_loss", "scene_loss", "scene_acc",
        }  # fmt: skip
        for task in TASKS:
            have = [i for i, tasks in enumerate(MIXED) if task in tasks]
            alone = [make_sample(task, seed=i) for i in have]
            torch.testing.assert_close(
                model.loss(x[have], alone)[f"{task}_loss"], losses[f"{task}_loss"]
            )


def test_task_weights():
    plain, weighted = make_model(), make_model(task_weights=dict(semantic=5.0, scene=0.25))
    with torch.no_grad():
        x, samples = images(4), samples_of(*MIXED)
        before, after = plain.eval().loss(x, samples), weighted.eval().loss(x, samples)
    parsed, logged = weighted.parse_losses(after)
    weights = dict(semantic=5.0, depth=1.0, scene=0.25)
    for task, weight in weights.items():
        assert before[f"{task}_loss"] > 0
        # logged as it is, the weight beside it
        assert after[f"{task}_loss"] == before[f"{task}_loss"] == logged[f"{task}_loss"]
        assert logged[f"{task}_weight"] == weight
    expected = sum(weight * before[f"{task}_loss"].item() for task, weight in weights.items())
    assert parsed.item() == pytest.approx(expected, rel=1e-6)
    assert logged["loss"] == parsed
    assert logged["semantic_acc"] == after["semantic_acc"]


@pytest.mark.parametrize("plan", PLANS)
def test_every_parameter_learns(plan: str):
    model = make_model(PLANS[plan]).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    x, samples = images(4, (64, 64)), samples_of(*MIXED, size=(64, 64))
    moved = set()
    for _ in range(2):
        optimizer.zero_grad()
        total(model.loss(x, samples)).backward()
        gradients = {name: p.grad for name, p in model.named_parameters()}
        assert [name for name, g in gradients.items() if g is None] == []
        moved |= {name for name, g in gradients.items() if g.abs().max() > 0}
        optimizer.step()
    assert set(gradients) - moved == set()


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_a_task_without_targets_gets_zero_gradients(broken: float):
    model = make_model(PLANS["attention"])
    own = [*model.decoders["depth"].parameters(), *model.heads["depth"].parameters()]
    with torch.no_grad():
        own[0].fill_(broken)
    losses = model.loss(images(1), samples_of(("semantic", "scene")))
    assert losses["depth_loss"].item() == 0
    assert losses["semantic_loss"] > 0
    total(losses).backward()
    assert len(own) > 20
    assert all((p.grad == 0).all() for p in own)


@pytest.mark.parametrize("task", TASKS)
def test_one_task_in_a_batch_touches_every_parameter(task: str):
    """So that each process of a distributed training has a gradient for each parameter."""
    model = make_model(PLANS["all three"])
    total(model.loss(images(2), samples_of((task,), (task,)))).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_no_target_at_all():
    model = make_model(tasks=("semantic", "depth"))
    with pytest.raises(ValueError, match=r"no image of this batch.* semantic, depth: 0\.png, 1\.p"):
        model.loss(images(2), samples_of(("scene",), ()))


def test_an_error_of_a_head_names_task_and_images():
    samples = samples_of(("semantic",), ("depth",), ("semantic",))
    samples[2].gt_semantic.data[0, 3, 4] = 77
    with pytest.raises(ValueError, match=r"task 'semantic': label 77.*images: 0\.png, 2\.png"):
        make_model().loss(images(3), samples)


def test_a_subset_of_the_tasks_can_be_learnt():
    model = make_model(PLANS["attention"], tasks=("scene", "depth"))
    assert set(model.heads) == {"scene", "depth"}
    assert set(model.decoders) == {"depth"}
    assert model.task_embedding.tasks == ("scene", "depth")
    assert set(model.loss(images(1), samples_of(TASKS))) == {
        "scene_loss",
        "scene_acc",
        "depth_loss",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            dict(task_weights=dict(normals=1.0)),
            "task_weights: unknown task 'normals'; .* semantic,",
        ),
        (dict(tasks=("depth", "normals")), "tasks: unknown task 'normals'"),
        (dict(decoders=dict(normals={})), "decoders: unknown task 'normals'"),
        (dict(test_cfg=dict(tasks=["normals"])), r"test_cfg\.tasks: unknown task 'normals'"),
        (
            dict(tasks=("depth",), test_cfg=dict(tasks=["scene"])),
            r"test_cfg\.tasks: unknown task 'scene'; tasks of this model: depth",
        ),
        (dict(heads=dict(gloss={}), decoders={}), "'gloss': MMEngine adds up .* rename the task"),
        (dict(test_cfg=dict(mode="silde")), r"test_cfg\.mode='silde': give 'whole' or 'slide'"),
        (dict(test_cfg=dict(mode="slide", stride=(8, 8))), r"needs test_cfg\.crop_size="),
        (dict(test_cfg=dict(mode="slide", crop_size=(8, 8), stride=8)), r"test_cfg\.stride=\(heig"),
        (
            dict(test_cfg=dict(mode="slide", crop_size=(8, 8), stride=(8, 9))),
            r"test_cfg\.stride=\(8, 9\) must be positive and at most crop_size=\(8, 8\)",
        ),
        (dict(test_cfg=dict(mode="slide", crop_size=(8, 8), stride=(0, 8))), "must be positive"),
        (
            dict(step="TaskByTask"),
            r"model\.step='TaskByTask': give dict\(type='TaskByTask'\)",
        ),
        (
            dict(step=dict(type="TaskByTsk")),
            r"model\.step\.type='TaskByTsk' is unknown: give .*ByTask",
        ),
        (dict(balancing={}), r"model\.balancing=\{\}: give dict\(type='Fixed'\) or"),
    ],
)
def test_errors(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        make_model(**settings)


@pytest.mark.parametrize("plan", [None, "all three", "last blocks"])
def test_predicting_some_tasks_computes_their_rows_only(plan: str | None):
    model = conditioned(plan) if plan else make_model().eval()
    rows: list[int] = []
    model.backbone.stages[-1].blocks[-1].register_forward_hook(
        lambda _, args, out: rows.append(len(out))
    )
    with torch.no_grad():
        everything = model.predict(images(2))
        model.test_cfg["tasks"] = ["scene", "semantic"]
        some = model.predict(images(2), samples_of((), TASKS))
    assert rows == ([6, 4] if plan else [2, 2])
    for wanted, sample in zip(everything, some, strict=True):
        assert "pred_depth" in wanted
        assert "pred_depth" not in sample
        torch.testing.assert_close(sample.pred_scene.score, wanted.pred_scene.score)
        assert torch.equal(sample.pred_semantic.data, wanted.pred_semantic.data)
    assert "gt_depth" in some[1]


@pytest.mark.parametrize("plan", [None, "all three"])
def test_tensor_mode_gives_the_logits_of_all_tasks(plan: str | None):
    model = conditioned(plan) if plan else make_model().eval()
    with torch.no_grad():
        logits = model(images(2, (32, 64)), mode="tensor")
    assert {task: tuple(x.shape) for task, x in logits.items()} == {
        "semantic": (2, CLASSES, 32, 64),
        "depth": (2, 1, 32, 64),
        "scene": (2, SCENES),
    }
    rows = 6 if plan else 2
    assert [len(m) for m in model.extract_feat(images(2))] == [rows] * 4


def slide(*, crop_size: tuple[int, int], stride: tuple[int, int], **settings) -> MultiTaskModel:
    test_cfg = dict(mode="slide", crop_size=crop_size, stride=stride, **settings)
    return conditioned("last blocks", test_cfg=test_cfg)


@pytest.mark.parametrize("crop_size", [(32, 48), (99, 48), (640, 640)])
def test_a_window_that_covers_the_image_is_the_whole(crop_size: tuple[int, int]):
    x = images(2, (32, 48))
    with torch.no_grad():
        whole = conditioned("last blocks").predict(x)
        slid = slide(crop_size=crop_size, stride=(16, 16)).predict(x)
    for a, b in zip(slid, whole, strict=True):
        assert torch.equal(a.pred_semantic.data, b.pred_semantic.data)
        torch.testing.assert_close(a.pred_depth.data, b.pred_depth.data)
        torch.testing.assert_close(a.pred_scene.score, b.pred_scene.score)


def test_windows_are_averaged():
    model, x = slide(crop_size=(32, 32), stride=(16, 24)), images(2, (48, 72))
    windows = [(top, left) for top in (0, 16) for left in (0, 24, 40)]
    with torch.no_grad():
        predicted = model.predict(x)
        cut = {
            (top, left): model(x[:, :, top : top + 32, left : left + 32], mode="tensor")
            for top, left in windows
        }
        whole = model(x, mode="tensor")
    for image, sample in enumerate(predicted):
        averaged = {
            task: torch.zeros(logits.shape[1], 48, 72)
            for task, logits in whole.items()
            if task != "scene"
        }
        for task, average in averaged.items():
            for row in range(48):
                for column in range(72):
                    inside = [
                        cut[top, left][task][image, :, row - top, column - left]
                        for top, left in windows
                        if 0 <= row - top < 32 and 0 <= column - left < 32
                    ]
                    average[:, row, column] = sum(inside) / len(inside)
        depth = model.heads["depth"].predict(averaged["depth"]).data
        torch.testing.assert_close(sample.pred_depth.data, depth)
        same = sample.pred_semantic.data[0] == averaged["semantic"].argmax(0)
        assert same.float().mean() > 0.999
        # an image-level task sees the whole image
        torch.testing.assert_close(sample.pred_scene.score, whole["scene"][image].softmax(0))


@pytest.mark.parametrize("tasks", [("scene",), ("depth",)])
def test_sliding_runs_only_what_is_asked_for(tasks: tuple[str, ...]):
    model = slide(crop_size=(32, 32), stride=(32, 32), tasks=tasks)
    sizes: list[tuple[int, ...]] = []
    model.backbone.patch_embed.register_forward_hook(
        lambda _, args, out: sizes.append(tuple(args[0].shape[-2:]))
    )
    with torch.no_grad():
        sample = model.predict(images(1, (32, 64)))[0]
    assert sizes == ([(32, 64)] if tasks == ("scene",) else [(32, 32), (32, 32)])
    assert [task for task in TASKS if f"pred_{task}" in sample] == list(tasks)


def preprocessor() -> MultiTaskDataPreprocessor:
    return MultiTaskDataPreprocessor(pad_size_divisor=32)


def test_predictions_have_the_original_size():
    model = make_model(data_preprocessor=preprocessor()).eval()
    samples = [make_sample(size=(30, 44)), make_sample(size=(20, 64))]
    samples[0].set_metainfo(dict(ori_shape=(61, 87)))
    samples[1].set_metainfo(dict(ori_shape=(10, 33)))
    inputs = [torch.randint(0, 256, (3, *s.img_shape), dtype=torch.uint8) for s in samples]
    with torch.no_grad():
        predicted = model.test_step(dict(inputs=inputs, data_samples=samples))
    for sample, size in zip(predicted, [(61, 87), (10, 33)], strict=True):
        assert sample.pred_semantic.data.shape == (1, *size)
        assert sample.pred_semantic.data.dtype == torch.int64
        assert sample.pred_depth.data.shape == (1, *size)
        assert sample.pred_scene.score.sum().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("mode", ["whole", "slide"])
def test_a_perfect_model_is_perfect_through_the_padding(mode: str, monkeypatch):
    test_cfg = dict(mode=mode, crop_size=(999, 999), stride=(99, 99))
    model = make_model(data_preprocessor=preprocessor(), test_cfg=test_cfg).eval()
    sizes = [(30, 44), (20, 50), (32, 64)]
    samples = [make_sample("semantic", "depth", size=size, seed=i) for i, size in enumerate(sizes)]
    inputs = [torch.zeros(3, *size, dtype=torch.uint8) for size in sizes]
    data = dict(inputs=inputs, data_samples=samples)
    padded = model.data_preprocessor(data, training=True)["data_samples"]

    def perfect(_, rows) -> dict[str, Tensor]:
        """The padded targets as logits; where there is only padding, class 0 and 0.5 metres."""
        labels = torch.stack([s.gt_semantic.data[0] for s in padded])
        depth = torch.stack([s.gt_depth.data for s in padded]).clamp(min=0.51)
        one_hot = F.one_hot(labels % 255, CLASSES).permute(0, 3, 1, 2).float()
        logits = dict(semantic=one_hot, depth=torch.logit(0.5 / depth), scene=torch.zeros(3, 3))
        return {task: logits[task] for task in rows.tasks}

    monkeypatch.setattr(model, "encode_decode", perfect)
    for sample, truth in zip(model.test_step(data), samples, strict=True):
        assert torch.equal(sample.pred_semantic.data, truth.gt_semantic.data)
        torch.testing.assert_close(sample.pred_depth.data, truth.gt_depth.data)


def test_padding_does_not_bleed_into_an_enlarged_prediction(monkeypatch):
    model = make_model(data_preprocessor=preprocessor(), tasks=("semantic",)).eval()
    sample = make_sample(size=(20, 40))
    sample.set_metainfo(dict(ori_shape=(40, 80)))
    logits = torch.zeros(1, CLASSES, 32, 64)
    logits[:, 3, :, :40] = 10  # the image
    logits[:, 1, :, 40:] = 1000  # the padding
    logits[:, 1, 20:] = 1000
    monkeypatch.setattr(model, "encode_decode", lambda *_: dict(semantic=logits))
    inputs = [torch.zeros(3, 20, 40, dtype=torch.uint8)]
    predicted = model.test_step(dict(inputs=inputs, data_samples=[sample]))[0].pred_semantic.data
    assert predicted.shape == (1, 40, 80)
    assert (predicted == 3).all()


def test_a_backbone_of_mmseg_is_shared_by_all_tasks():
    decoder = dict(
        type="SwinUNetDecoder", in_channels=(64, 128, 256, 512), num_heads=(2, 4, 8), window_size=4
    )
    model = make_model(
        backbone=dict(type="ResNetV1c", depth=18, norm_cfg=dict(type="BN")),
        decoders=dict(semantic=decoder, depth=decoder),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=64, num_classes=CLASSES),
            depth=dict(type="DepthHead", in_channels=64, min_depth=0.5, max_depth=10.0),
            scene=dict(type="ClassificationHead", in_channels=512, num_classes=SCENES),
        ),
    )
    assert model.task_embedding is None
    calls: list[int] = []
    model.backbone.register_forward_hook(lambda _, args, out: calls.append(len(out[0])))
    x = images(4)
    losses = model.loss(x, samples_of(*MIXED))
    total(losses).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    with torch.no_grad():
        predicted = model.predict(x)
        maps = model.backbone(x)
        depth = model.heads["depth"](model.decoders["depth"](maps))
        scene = model.heads["scene"](maps)
    assert calls == [4, 4, 4]
    for i, sample in enumerate(predicted):
        torch.testing.assert_close(
            sample.pred_depth.data, model.heads["depth"].predict(depth[i]).data
        )
        torch.testing.assert_close(sample.pred_scene.score, scene[i].softmax(0))


def test_frozen_encoder_of_the_thesis():
    """Table 4.2, frozen encoder, 0-0-6-2: 49.0 M trainable parameters."""
    config = Config.fromfile(REPOSITORY / "configs/_base_/models/swin_unet.py").model
    last = (0, 0, 6, 2)
    config.backbone.plan = dict(attention=last, norm=last, adapter=last, frozen=True)
    for part in ("type", "data_preprocessor"):
        config.pop(part)
    with torch.device("meta"):
        model = MultiTaskModel(**config).train()
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == pytest.approx(49.0e6, abs=0.1e6)


@pytest.mark.parametrize("step", ["AllTasks", "TaskByTask"])
def test_a_task_without_targets_leaves_no_zero_in_the_log(step: str):
    """The mean of its logged losses is that of the batches that have it."""
    model = make_model(PLANS["last blocks"], step=dict(type=step))
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))
    both, alone = (
        model.train_step(dict(inputs=images(1), data_samples=samples_of(tasks)), wrapper)
        for tasks in (TASKS, ("semantic", "scene"))
    )
    assert both["depth_loss"] > 0
    assert set(both) - set(alone) == {"depth_loss"}
    torch.testing.assert_close(alone["loss"], alone["semantic_loss"] + alone["scene_loss"])


def test_arguments_that_would_not_be_read_are_refused():
    make_model(pretrained=None, train_cfg={})
    with pytest.raises(ValueError, match=r"pretrained='swin.pth' would not be read.*init_cfg"):
        make_model(pretrained="swin.pth")
    with pytest.raises(ValueError, match=r"train_cfg=.* would not be read"):
        make_model(train_cfg=dict(sampler=1))


@pytest.mark.parametrize("name", ["SegDataPreProcessor", "mmengine.ImgDataPreprocessor"])
def test_preprocessors_that_do_not_pad_targets_are_refused(name: str):
    init_default_scope("mmseg")
    with pytest.raises(ValueError, match=f"{name.rpartition('.')[2]} does not pad the targets"):
        make_model(data_preprocessor=dict(type=name))
    make_model(data_preprocessor=dict(type="MultiTaskDataPreprocessor"))
