"""A compiled network in two processes trains as a plain one in one process does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests._processes import start_ranks
from tests.models.distributed import _compiled
from tests.models.distributed._compiled import make, steps


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    processes = start_ranks(_compiled.__file__, 2, tmp_path)
    assert [process.wait(timeout=600) for process in processes] == [0, 0]
    start, expected = make().state_dict(), steps(make(), slice(None))
    assert any(not torch.equal(start[name], value) for name, value in expected.items())
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt")
        for name, value in expected.items():
            # the processes' shares of the targets are float32
            torch.testing.assert_close(found[name], value, rtol=1e-6, atol=1e-7, msg=name)
