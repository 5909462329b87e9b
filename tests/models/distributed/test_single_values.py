"""Batch norms of several processes that have a single value together, or none of their own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mtlplugins.compat.sync_batch_norm import _with_care_for_single_values
from tests._processes import start_ranks
from tests.models.distributed import _single_values
from tests.models.distributed._single_values import ROWS, norm, step, values


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("ranks")
    processes = start_ranks(_single_values.__file__, 2, folder)
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_two_processes_normalise_as_one(ranks: list[dict], name: str) -> None:
    found = [rank[name] for rank in ranks]
    expected = step(norm(nn.BatchNorm2d), values(sum(ROWS[name])))
    for key in ("out", "x"):
        torch.testing.assert_close(torch.cat([own[key] for own in found]), expected[key])
    for key in ("weight", "bias"):
        torch.testing.assert_close(found[0][key] + found[1][key], expected[key])
    for key in ("mean", "variance"):
        for own in found:
            torch.testing.assert_close(own[key], expected[key])


@pytest.mark.slow
def test_a_single_value_learns_and_teaches_no_statistics(ranks: list[dict]) -> None:
    for name in ("one and none", "none and one"):
        start = norm(nn.BatchNorm2d)
        assert all(torch.equal(rank[name]["mean"], start.running_mean) for rank in ranks)
        assert all(torch.equal(rank[name]["variance"], start.running_var) for rank in ranks)
        (x,) = (rank[name]["x"] for rank in ranks if len(rank[name]["x"]))
        assert x.all()


@pytest.mark.parametrize("single", [True, False])
def test_a_poisoned_variance_is_taken_back(single: bool) -> None:
    """As of torch's own code on a GPU, where the variance of a single value is 0/0."""
    own, x = norm(nn.SyncBatchNorm), values(1 if single else 2)

    def torchs(norm: nn.SyncBatchNorm, x: Tensor) -> Tensor:
        norm.running_mean.add_(1)
        norm.running_var.mul_(torch.nan if single else 2)
        return x * 3

    out = _with_care_for_single_values(own, x, torchs)
    start = norm(nn.BatchNorm2d)
    if not single:
        torch.testing.assert_close(out, x * 3)
        torch.testing.assert_close(own.running_var, start.running_var * 2)
        return
    torch.testing.assert_close(out, step(start, values(1))["out"])
    assert torch.equal(own.running_mean, start.running_mean)
    assert torch.equal(own.running_var, start.running_var)
    out.sum().backward()
    assert x.grad.isfinite().all()
