from __future__ import annotations

from types import SimpleNamespace

import pytest

from mtlplugins.engine import CheckTasksHook

MODEL = SimpleNamespace(
    tasks=("scene", "semantic", "depth"),
    trained_tasks=("semantic", "depth"),
    frozen_tasks=("scene",),
    frozen_tasks_loaded=True,
    heads=dict(semantic=SimpleNamespace(num_classes=3), depth=SimpleNamespace()),
)


def check(tasks: dict, model: SimpleNamespace = MODEL) -> None:
    dataset = SimpleNamespace(metainfo=dict(tasks=tasks))
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    CheckTasksHook().before_train(SimpleNamespace(model=model, train_loop=loop))


def test_fitting_data_passes_and_others_are_named() -> None:
    check(dict(semantic=dict(classes=("a", "b", "c")), depth={}, normals={}))
    with pytest.raises(ValueError, match="'depth', but the training data has only semantic"):
        check(dict(semantic=dict(classes=("a", "b", "c"))))
    with pytest.raises(ValueError, match=r"'semantic': the data has 2 classes.*num_classes=3"):
        check(dict(semantic=dict(classes=("a", "b")), depth={}))


def test_frozen_tasks_must_have_been_loaded() -> None:
    random = SimpleNamespace(**{**vars(MODEL), "frozen_tasks_loaded": False})
    with pytest.raises(ValueError, match=r"frozen_tasks=\('scene',\), but nothing was loaded"):
        check(dict(semantic=dict(classes=("a", "b", "c")), depth={}), random)
