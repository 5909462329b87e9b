"""Training reproduces the recorded numbers: bit by bit on the machine that recorded them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests._slow import slow_except
from tests.golden.record import FOLDER, measure
from tests.golden.runs import EPOCHS, RESUMED, RUNS, STEPS, machine

#: Of the losses on another machine or with other versions, where sums are rounded otherwise.
TOLERANCE = 2e-2


def floats(values: list[str]) -> list[float]:
    return [float.fromhex(value) for value in values]


def check(found: dict, name: str) -> None:
    golden = json.loads((FOLDER / f"{name}.json").read_text())
    assert len(golden["loss"]) == EPOCHS * STEPS
    assert len(golden["scores"]) == EPOCHS
    if golden.pop("machine") == machine():
        assert found == golden, "the numbers moved; if they should, `make golden` and say why"
    else:
        for key in ("loss", "grad_norm"):
            expected = pytest.approx(floats(golden[key]), rel=TOLERANCE)
            # where a run amplifies rounding, its first steps still say whether it is the same
            assert floats(found[key])[:5] == pytest.approx(floats(golden[key])[:5], rel=1e-3)
            assert floats(found[key]) == expected


@pytest.mark.parametrize("name", slow_except(RUNS, "rooms_swin", "cifar_vit"))
def test_numbers_are_those_recorded(name: str, tmp_path: Path):
    check(measure(name, tmp_path), name)


@pytest.mark.slow
def test_a_resumed_run_has_the_same_numbers(tmp_path: Path):
    check(measure(RESUMED, tmp_path, stopped=True), RESUMED)
