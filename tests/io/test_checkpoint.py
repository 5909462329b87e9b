"""Tensors of a checkpoint by name, and whether they fit a module."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import mtlplugins  # noqa: F401, makes loading safe
from mtlplugins.io.checkpoint import load_state, read_checkpoint

WEIGHTS = {"0.weight": torch.ones(2, 3), "0.bias": torch.zeros(2)}


def module() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2))


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        dict(state_dict=WEIGHTS, meta=dict(epoch=3)),
        dict(model=WEIGHTS),
        dict(state_dict={f"module.{key}": value for key, value in WEIGHTS.items()}),
    ],
)
def test_layouts_of_a_file(tmp_path: Path, content: dict) -> None:
    torch.save(content, tmp_path / "a.pth")
    state, meta = read_checkpoint(str(tmp_path / "a.pth"))
    assert state.keys() == WEIGHTS.keys()
    assert all(torch.equal(state[key], WEIGHTS[key]) for key in WEIGHTS)
    assert meta == content.get("meta", {})


@pytest.mark.parametrize("content", [[1, 2], {}, {1: torch.ones(1)}, dict(state_dict=dict(a=1))])
def test_a_file_without_tensors_is_named(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth holds no tensors by name"):
        read_checkpoint(str(tmp_path / "a.pth"))


def test_what_is_left_over_is_told() -> None:
    target = module()
    state = WEIGHTS | {"head.weight": torch.ones(1)}
    assert load_state(target, state, "a.pth") == ["head.weight"]
    assert torch.equal(target[0].weight, WEIGHTS["0.weight"])


def test_only_optional_tensors_may_be_missing() -> None:
    state = {"0.weight": WEIGHTS["0.weight"]}
    assert load_state(module(), state, "a.pth", optional=["0.bias"]) == []
    with pytest.raises(ValueError, match=r"a\.pth is .* lacks 1 of 2 tensors \(0\.bias\)"):
        load_state(module(), state, "a.pth")


def test_another_shape_is_refused_and_nothing_loaded() -> None:
    target = module()
    before = target[0].bias.detach().clone()
    state = {"0.weight": torch.ones(4, 3), "0.bias": torch.full((2,), 9.0)}
    message = r"has 1 of another shape \(0\.weight \(4, 3\) instead of \(2, 3\)\)"
    with pytest.raises(ValueError, match=message):
        load_state(target, state, "a.pth")
    assert torch.equal(target[0].bias, before)
