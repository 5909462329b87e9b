from __future__ import annotations

from types import SimpleNamespace

import pytest
from mmengine.model import BaseDataPreprocessor
from mmseg.evaluation import IoUMetric
from torch import nn

from mtlplugins.datasets import LabelMap
from mtlplugins.engine import CheckTasksHook
from mtlplugins.evaluation import MultiTaskDepthMetric, MultiTaskIoUMetric, MultiTaskNormalsMetric
from mtlplugins.models import DepthHead, RegressionHead

MODEL = SimpleNamespace(
    tasks=("scene", "semantic", "depth"),
    predicted_tasks=("scene", "semantic", "depth"),
    trained_tasks=("semantic", "depth"),
    frozen_tasks=("scene",),
    frozen_tasks_loaded=True,
    heads=dict(semantic=SimpleNamespace(num_classes=3), depth=SimpleNamespace()),
)


def check(tasks: dict, model: SimpleNamespace = MODEL) -> None:
    dataset = SimpleNamespace(metainfo=dict(tasks=tasks))
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    runner = SimpleNamespace(model=model, train_loop=loop, val_loop=None)
    CheckTasksHook().before_train(runner)


def test_fitting_data_passes_and_others_are_named() -> None:
    check(dict(semantic=dict(classes=("a", "b", "c")), depth={}, normals={}))
    with pytest.raises(ValueError, match="'depth', but the training data has only semantic"):
        check(dict(semantic=dict(classes=("a", "b", "c"))))
    with pytest.raises(ValueError, match=r"'semantic': the data has 2 classes.*num_classes=3"):
        check(dict(semantic=dict(classes=("a", "b")), depth={}))


def test_another_number_of_numbers_per_image_is_named() -> None:
    model = SimpleNamespace(**{**vars(MODEL), "trained_tasks": ["place"]})
    model.heads = dict(place=RegressionHead(8, num_outputs=3))
    check(dict(place=dict(kind="regression", names=("x", "y", "z"))), model)
    message = r"'place': the data has 2 numbers per image, the head num_outputs=3: correct model\."
    with pytest.raises(ValueError, match=message):
        check(dict(place=dict(kind="regression", names=("x", "y"))), model)


@pytest.mark.parametrize(("when", "which"), [("train", "val"), ("val", "val"), ("test", "test")])
def test_mirrored_views_of_a_data_set_with_own_targets(when: str, which: str) -> None:
    """The config does not list them."""
    arms = LabelMap(classes=("l", "r"), left_right=[("l", "r")])
    part = SimpleNamespace(target_types=dict(semantic=arms), metainfo=dict(tasks={}))
    loader = SimpleNamespace(dataset=SimpleNamespace(dataset=part))
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[]), dataloader=loader)
    model = SimpleNamespace(**vars(MODEL), test_cfg=dict(tta=dict(scales=(1, 2))))
    model.heads = nn.ModuleDict({task: nn.Identity() for task in model.tasks})
    runner = SimpleNamespace(model=model, val_loop=None, test_loop=None)
    setattr(runner, f"{which}_loop", loop)
    with pytest.raises(ValueError, match="task 'semantic' are others in a mirrored image"):
        getattr(CheckTasksHook(), f"before_{when}")(runner)
    model.test_cfg["tta"]["flip"] = False
    del model.trained_tasks  # what follows in a training is not of interest here
    assert getattr(CheckTasksHook(), f"before_{when}")(runner) is None


def test_frozen_tasks_must_have_been_loaded() -> None:
    random = SimpleNamespace(**{**vars(MODEL), "frozen_tasks_loaded": False})
    with pytest.raises(ValueError, match=r"frozen_tasks=\('scene',\), but nothing was loaded"):
        check(dict(semantic=dict(classes=("a", "b", "c")), depth={}), random)


def test_a_class_that_a_head_ignores_is_named() -> None:
    tasks = dict(semantic=dict(classes=("a", "b", "c"), ignore_index=9), depth={})
    for ignored in (None, -1, 3, 9):
        heads = dict(MODEL.heads, semantic=SimpleNamespace(num_classes=3, ignore_index=ignored))
        check(tasks, SimpleNamespace(**{**vars(MODEL), "heads": heads}))
    heads["semantic"].ignore_index = 1
    with pytest.raises(ValueError, match=r"ignore_index=1 is the data's class 'b'.*index, 9"):
        check(tasks, SimpleNamespace(**{**vars(MODEL), "heads": heads}))


def test_a_head_of_another_kind_is_named() -> None:
    head = DepthHead(8, min_depth=0.5, max_depth=10)
    model = SimpleNamespace(
        **{**vars(MODEL), "heads": dict(depth=head), "trained_tasks": ["depth"]}
    )
    check(dict(depth=dict(kind="depth")), model)
    message = "'depth': the data's target is of kind 'normals', but DepthHead learns 'depth'"
    with pytest.raises(ValueError, match=message):
        check(dict(depth=dict(kind="normals")), model)


@pytest.mark.parametrize(("when", "which"), [("train", "val"), ("val", "val"), ("test", "test")])
def test_metrics_that_know_no_tasks_are_named(when: str, which: str) -> None:
    """mmseg's would end in a KeyError behind the first validation."""
    metrics = [MultiTaskIoUMetric("semantic"), MultiTaskDepthMetric("depth")]
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=metrics), dataloader=SimpleNamespace())
    loop.dataloader.dataset = SimpleNamespace(
        metainfo=dict(tasks=dict(semantic=dict(classes=("a", "b", "c")), depth={}))
    )
    runner = SimpleNamespace(model=MODEL, train_loop=loop, val_loop=None, test_loop=None)
    setattr(runner, f"{which}_loop", loop)
    getattr(CheckTasksHook(), f"before_{when}")(runner)
    metrics.append(MultiTaskNormalsMetric("normals"))
    with pytest.raises(
        ValueError, match=f"{which}_evaluator: MultiTaskNormalsMetric scores task 'normals'"
    ):
        getattr(CheckTasksHook(), f"before_{when}")(runner)
    metrics[-1] = IoUMetric()
    with pytest.raises(ValueError, match=f"{which}_evaluator: mmseg's IoUMetric .*MultiTaskIoU"):
        getattr(CheckTasksHook(), f"before_{when}")(runner)


def test_two_metrics_of_the_same_scores_are_named() -> None:
    """MMEngine refuses them too, at the end of the first validation."""
    metrics = [MultiTaskDepthMetric("depth", max_depth=80), MultiTaskDepthMetric("depth")]
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=metrics))
    runner = SimpleNamespace(model=MODEL, val_loop=loop)
    with pytest.raises(
        ValueError, match="val_evaluator: two MultiTaskDepthMetric give the score d"
    ):
        CheckTasksHook().before_val(runner)


def test_a_model_that_cannot_make_batches_is_named() -> None:
    model = SimpleNamespace(**{**vars(MODEL), "data_preprocessor": BaseDataPreprocessor()})
    with pytest.raises(ValueError, match=r"model\.data_preprocessor is missing: give dict"):
        check(dict(semantic=dict(classes=("a", "b", "c")), depth={}), model)
