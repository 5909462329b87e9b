"""Communication between ranks about their rows and losses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mtlplugins.models.distributed import norms as synchronised
from mtlplugins.models.distributed import shares as process_shares
from mtlplugins.models.rows import SomeRows

NORMS = dict(
    semantic=[nn.Sequential(nn.SyncBatchNorm(3))],
    depth=[nn.Sequential(nn.SyncBatchNorm(3)), nn.Linear(3, 1)],
    scene=[nn.SyncBatchNorm(3)],
    normals=[nn.BatchNorm2d(3)],
)
ROWS = SomeRows(dict(semantic=[0, 1]), 2)


def with_other_process(monkeypatch: pytest.MonkeyPatch, module: object, other: list) -> None:
    """Let there be a second process, which has these numbers."""

    def reduce(own: torch.Tensor, op: str) -> None:
        own += torch.tensor(other, dtype=own.dtype)
        if op == "mean":
            own /= 2

    monkeypatch.setattr(module, "get_world_size", lambda: 2)
    monkeypatch.setattr(module, "all_reduce", reduce)


def test_tasks_of_other_processes_run_on_no_image(monkeypatch: pytest.MonkeyPatch):
    # the other process has two rows of depth; nobody has one of scene, nobody waits for normals
    with_other_process(monkeypatch, synchronised, [1, 2, 0])
    rows = synchronised.synchronised_rows(ROWS, NORMS)
    assert rows == SomeRows(dict(semantic=[0, 1], depth=[]), 2)
    assert rows.tasks == ("semantic", "depth")


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(3), nn.LayerNorm(3), nn.SyncBatchNorm(3).eval()])
def test_rows_stay_where_no_norm_waits(monkeypatch: pytest.MonkeyPatch, norm: nn.Module):
    with_other_process(monkeypatch, synchronised, [1, 2])
    assert synchronised.synchronised_rows(ROWS, dict(semantic=[norm], depth=[norm])) is ROWS


def test_rows_stay_in_a_single_process():
    assert synchronised.synchronised_rows(ROWS, NORMS) is ROWS


def test_the_log_has_the_means_of_what_is_finite(monkeypatch: pytest.MonkeyPatch):
    with_other_process(monkeypatch, process_shares, [1.0, 2.0, 3.0, 0.0])
    own = dict(a=4.0, b=float("nan"), c=float("-inf"), d=3.0)
    values = {name: torch.tensor(value, requires_grad=True) for name, value in own.items()}
    means = process_shares.mean_over_processes(values)
    assert {name: str(value.item()) for name, value in means.items()} == dict(
        a="2.5", b="nan", c="-inf", d="1.5"
    )
    assert not any(value.requires_grad for value in means.values())


def test_the_log_of_a_single_process_has_its_own():
    values = dict(a=torch.tensor(float("nan")), b=torch.tensor(1.0))
    assert process_shares.mean_over_processes(values) == values
