"""What holds for every method that weights by losses."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.balancing import METHODS, LossBalancing
from tests._slow import slow_except
from tests.models._models import PLANS, TASKS, make_model, make_sample

#: A config line of each method.
LINES: dict[str, dict[str, Any]] = {
    "Uncertainty": {},
    "DWA": dict(interval=2),
    "STCH": dict(mu=0.5),
    "FAMO": dict(lr=0.1),
    "Random": {},
}
MIXED = (("semantic", "depth", "scene"), ("depth",))


def make(method: str, **settings: Any) -> MultiTaskModel:
    balancing = dict(type=method) | LINES[method]
    return make_model(PLANS["attention"], balancing=balancing, **settings).double().train()


def optimizer_of(model: nn.Module) -> OptimWrapper:
    return OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-2))


def train(model: MultiTaskModel, wrapper: OptimWrapper, steps: range, tasks=MIXED) -> list[dict]:
    logs = []
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        inputs = torch.randn(len(tasks), 3, 32, 32, generator=generator, dtype=torch.float64)
        samples = [make_sample(*t, seed=10 * step + i) for i, t in enumerate(tasks)]
        logged = model.train_step(dict(inputs=inputs, data_samples=samples), wrapper)
        logs.append({name: float(value) for name, value in logged.items()})
    return logs


def test_every_method_is_tested() -> None:
    kinds = {m for m in METHODS if issubclass(MODELS.get(m), LossBalancing)}
    assert kinds == set(LINES)


@pytest.mark.parametrize("method", slow_except(LINES, "Uncertainty", "FAMO"))
def test_a_config_line_trains_and_resumes_bit_by_bit(method: str) -> None:
    model = make(method)
    wrapper = optimizer_of(model)
    start = train(model, wrapper, range(5))
    for entry in start:
        total = sum(entry[f"{t}_weight"] * entry[f"{t}_loss"] for t in TASKS)
        assert entry["loss"] == pytest.approx(total, rel=1e-6)
    kept = io.BytesIO()
    torch.save(dict(model=model.state_dict(), optimizer=wrapper.state_dict()), kept)
    unbroken = train(model, wrapper, range(5, 10))

    resumed = make(method, seed=1)
    again = optimizer_of(resumed)
    kept.seek(0)
    state = torch.load(kept, weights_only=True)
    resumed.load_state_dict(state["model"])
    again.load_state_dict(state["optimizer"])
    assert train(resumed, again, range(5, 10)) == unbroken
    for name, value in model.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


@pytest.mark.parametrize("method", LINES)
def test_an_absent_task_takes_no_part(method: str) -> None:
    """With the third task absent, two tasks have the weights that they have alone."""

    def of(*tasks: str) -> LossBalancing:
        return MODELS.build(dict(type=method, tasks=tasks) | LINES[method])

    three, two = of("a", "b", "c"), of("a", "b")
    start = {name: value.clone() for name, value in three.state_dict().items()}
    if method == "Random":
        two.seed.copy_(three.seed)
    for step in range(6):
        a, b = (torch.tensor(x + step) for x in (1.0, 0.3))
        found = three(dict(a=a, b=b, c=torch.tensor(0.0)))
        wanted = two(dict(a=a, b=b))
        assert torch.isfinite(found["c"])
        for task, weight in wanted.items():
            torch.testing.assert_close(found[task], weight)
        three.after_update(dict(a=a * 0.9, b=b * 0.7, c=torch.tensor(0.0)))
        two.after_update(dict(a=a * 0.9, b=b * 0.7))
    for name, value in three.state_dict().items():
        if value.shape == (3,):
            assert torch.equal(value[2], start[name][2]), name


@pytest.mark.parametrize("method", LINES)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_loss_that_is_none_spoils_neither_weights_nor_state(method: str, value: float) -> None:
    model = make(method)
    balancing = model.balancing.double()
    losses = {t: torch.tensor(1.0 + i, dtype=torch.float64) for i, t in enumerate(TASKS)}
    for _ in range(3):
        found = balancing(losses | dict(depth=torch.tensor(value, dtype=torch.float64)))
        balancing.after_update(losses | dict(semantic=torch.tensor(value, dtype=torch.float64)))
        assert all(torch.isfinite(weight) for weight in found.values())
    assert all(torch.isfinite(entry).all() for entry in balancing.state_dict().values())


def test_no_task_at_all() -> None:
    zeros = {t: torch.zeros((), dtype=torch.float64) for t in TASKS}
    for method in LINES:
        found: dict[str, Tensor] = make(method).balancing(zeros)
        assert all(torch.isfinite(weight) for weight in found.values()), method


def test_evaluation_leaves_the_state_alone() -> None:
    for method in LINES:
        balancing = make(method).balancing.eval()
        before = {name: value.clone() for name, value in balancing.state_dict().items()}
        balancing({t: torch.tensor(1.0 + i).double() for i, t in enumerate(TASKS)})
        for name, value in balancing.state_dict().items():
            assert torch.equal(before[name], value), (method, name)


def test_famo_asks_again_after_updates_alone() -> None:
    model = make("FAMO")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    wrapper = OptimWrapper(optimizer, accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    train(model, wrapper, range(4))
    assert model.balancing.steps.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("balancing", "error", "message"),
    [
        (dict(type="Uncertanty"), ValueError, r"balancing\.type='Uncertanty'.*type='Uncertainty'"),
        (dict(type="DWA"), ValueError, r"DWA needs interval; give balancing\.interval="),
        (dict(type="DWA", interval=0), ValueError, r"balancing=DWA: interval=0 must be above 0"),
        (dict(type="STCH", mu=-1.0), ValueError, r"balancing=STCH: mu=-1\.0 must be above 0"),
        (dict(type="FAMO", lr=0), ValueError, "FAMO: lr=0 must be above"),
        (dict(type="DWA", temprature=2), ValueError, r"temprature: DWA has.*it has temperature$"),
        (dict(type="Random", seed=2), ValueError, r"balancing\.seed: Random .*it has none"),
        (dict(type="Fixed", tasks=("a",)), ValueError, r"balancing\.tasks: Fixed has no such"),
    ],
)
def test_bad_options(balancing: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_model(balancing=balancing)


@pytest.mark.parametrize("settings", [dict(tasks=("depth",)), dict(frozen_tasks=TASKS[1:])])
@pytest.mark.parametrize("method", ["STCH", "Log", "Geometric", "UWSO"])
def test_fewer_than_two_trained_tasks(method: str, settings: dict) -> None:
    with pytest.raises(ValueError, match=rf"balancing={method} weights tasks against.*is trained"):
        make_model(PLANS["attention"], balancing=dict(type=method), **settings)


def test_all_are_loss_balancing() -> None:
    assert all(isinstance(make(method).balancing, LossBalancing) for method in LINES)
