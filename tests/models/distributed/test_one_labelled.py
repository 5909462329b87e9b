"""One labelled image in the batch of all processes, for a head with batch norms."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests._processes import start_ranks
from tests.models.distributed import _one_labelled
from tests.models.distributed._one_labelled import make, step


def test_one_process_goes_on_and_learns() -> None:
    found = step(make(), slice(None))
    statistics = {name: value for name, value in found.items() if "running" in name}
    pooled = {n: v for n, v in statistics.items() if "psp_modules.0" in n}
    others = {n: v for n, v in statistics.items() if n not in pooled}
    assert all((v == (1 if "var" in n else 0)).all() for n, v in pooled.items())
    assert len(pooled) == 2
    assert len(others) >= 4
    assert all((v != (1 if "var" in n else 0)).any() for n, v in others.items())
    learnt = [value for name, value in found.items() if name not in statistics]
    assert all(value.isfinite().all() for value in learnt)


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    processes = start_ranks(_one_labelled.__file__, 2, tmp_path)
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    expected = step(make(), slice(None))
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt")
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-9, msg=name)
