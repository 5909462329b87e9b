"""Batches whose losses or gradients are not finite."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from mtlplugins.engine import NonFiniteHook
from tests.engine._training import (
    COUNT,
    WRAPPERS,
    Numbers,
    Without,
    assert_same,
    scale_on_cpu,
    train,
)


@pytest.fixture
def scaler_on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    scale_on_cpu(monkeypatch)


OPTIMIZERS = [
    dict(type="AdamW", lr=0.1, weight_decay=0.1),
    dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=0.1),
]


@pytest.mark.usefixtures("scaler_on_cpu")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["type"])
@pytest.mark.parametrize("name", WRAPPERS)
def test_a_skipped_batch_leaves_no_trace(tmp_path: Path, name: str, optimizer: dict) -> None:
    settings = dict(wrapper=WRAPPERS[name], optimizer=optimizer)
    wrong = Numbers({3: float("nan"), 4: float("inf")})
    found = train(tmp_path / "skip", wrong, **settings)
    assert_same(found, train(tmp_path / "never", Without({2, 3, 4, 5}), **settings))
    assert found["skipped"] == 2
    assert found["model"]["norm.num_batches_tracked"] == 2
    assert all(value.isfinite().all() for value in found["model"].values())


def test_without_the_hook_one_batch_ruins_the_model(tmp_path: Path) -> None:
    found = train(tmp_path, Numbers({3: float("nan")}), action=None)
    assert found["model"]["heads.depth.weight"].isnan().all()
    assert found["model"]["norm.running_mean"].isnan().any()


def test_the_hook_changes_nothing_else(tmp_path: Path) -> None:
    for name in ("plain", "clipped"):
        settings = dict(wrapper=WRAPPERS[name])
        found = train(tmp_path / f"{name}1", Numbers({}), **settings)
        assert_same(found, train(tmp_path / f"{name}2", Numbers({}), action=None, **settings))
        assert found["skipped"] == 0


@pytest.mark.parametrize("value", [float("nan"), 9.0])
@pytest.mark.parametrize("wrong", [2, 1])
def test_accumulated_batches_are_skipped_together(tmp_path: Path, wrong: int, value: float) -> None:
    """Of the updates from batches (0, 1) and (2, 3) the first is not done."""
    settings = dict(wrapper=dict(accumulative_counts=2))
    found = train(tmp_path / "skip", Numbers({wrong: value}), **settings)
    assert_same(found, train(tmp_path / "never", Without({0, 1, 2, 3}), **settings))
    assert found["skipped"] == 2


@pytest.mark.parametrize("name", ["plain", "clipped", "bfloat16"])
def test_gradients_alone_may_be_wrong(tmp_path: Path, name: str) -> None:
    settings = dict(wrapper=WRAPPERS[name])
    with pytest.raises(FloatingPointError) as error:
        train(tmp_path / "stop", Numbers({3: 7.0}), action="stop", **settings)
    wanted = "but not the gradients of task 'depth': 4 parameters (norm.weight, norm.bias"
    assert wanted in str(error.value)
    assert "iteration 2, images: 2.jpg, 3.jpg" in str(error.value)
    found = train(tmp_path / "skip", Numbers({3: 7.0}), **settings)
    assert_same(found, train(tmp_path / "never", Without({2, 3}), **settings))


@pytest.mark.usefixtures("scaler_on_cpu")
def test_a_scaler_finds_its_scale(tmp_path: Path) -> None:
    """Infinite gradients are its business: it halves the scale and goes on."""
    found = train(tmp_path, Numbers({3: 7.0}), action="stop", wrapper=WRAPPERS["scaled"])
    assert found["skipped"] == 0
    assert found["optimizer"]["loss_scaler"]["scale"] == 2.0


def test_stopping_names_task_iteration_and_images(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError) as error:
        train(tmp_path, Numbers({3: float("nan")}), action="stop")
    assert str(error.value).startswith(
        "task 'depth' has a loss of nan in iteration 2, images: 2.jpg, 3.jpg. The weights are"
    )
    assert "nonfinite.action=skip" in str(error.value)


def test_skipping_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        train(tmp_path, Numbers({6: float("-inf")}))
    text = caplog.text + "".join(p.read_text() for p in tmp_path.rglob("*.log"))
    assert "skipped 1 batch(es), 1 since the start: task 'depth' has a loss of nan in" in text
    assert "iteration 4, images: 6.jpg, 7.jpg" in text
    assert "1 batches skipped since the start" in text


def test_a_model_that_learns_nothing_any_more_stops(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(NonFiniteHook, "LONGEST", 3)
    gone = Numbers(dict.fromkeys(range(COUNT), float("nan")))
    with pytest.raises(FloatingPointError, match=r"3 updates in a row .*iteration 3, images: 4"):
        train(tmp_path, gone)


def test_an_unknown_action_is_an_error() -> None:
    with pytest.raises(ValueError, match="action='ignore', give 'stop' or 'skip'"):
        NonFiniteHook("ignore")
