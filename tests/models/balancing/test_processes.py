"""Two processes with unequal shares of the targets weight and train as one process does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models import MultiTaskDistributedDataParallel, MultiTaskModel
from mtlplugins.models.distributed.columns import columns_per_process, gather, scatter_mean
from mtlplugins.models.distributed.shares import mean_over_processes
from tests._processes import start_ranks
from tests.models._models import PLANS, TASKS, images, make_model, make_sample
from tests.models.balancing.test_aggregators import KINDS
from tests.models.balancing.test_loss_balancing import LINES

pytestmark = pytest.mark.slow

#: What is trained: methods with parameters, with a second forward pass, and by gradients.
TRAINED: dict[str, dict] = {
    method: dict(balancing=dict(type=method) | LINES[method]) for method in ("Uncertainty", "FAMO")
}
BY_TASK = dict(step=dict(type="TaskByTask"))
TRAINED |= {
    f"{method}, task by task": BY_TASK | dict(balancing=dict(type=method) | LINES.get(method, {}))
    for method in ("Uncertainty", "FAMO", "Geometric")
}
TRAINED |= {kind: BY_TASK | dict(balancing=dict(type=kind)) for kind in KINDS}
TRAINED |= {
    f"{kind} at features": BY_TASK | dict(balancing=dict(type=kind, at="features"))
    for kind in KINDS
    if kind != "GradDrop"
}
#: The targets of four images; the second process, with the last two, lacks a task.
TARGETS = [("semantic", "depth", "scene"), ("depth",), ("scene", "depth"), ("scene",)]


def weights(method: str, rank: int | None) -> Tensor:
    """Weights of five steps, of one process or of one of two, whose losses average to the same."""
    torch.manual_seed(0)
    balancing = MODELS.build(dict(type=method, tasks=TASKS) | LINES[method]).double()
    drawn = torch.rand(5, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    drawn[2, :, 1] = 0.0  # no process has a target
    drawn[3, 0, 2] = 0.0  # the first process has none
    found = []
    for step in drawn:
        own = step.mean(0) if rank is None else step[rank]
        losses = mean_over_processes(dict(zip(TASKS, own, strict=True)))
        found.append(torch.stack(list(balancing(losses).values())).detach())
        balancing.after_update({task: loss / 2 for task, loss in losses.items()})
    return torch.stack(found)


def combined(method: str, rank: int | None) -> Tensor:
    """Three gradients of processes whose rows average to the same, and one of shared columns."""
    torch.manual_seed(0)
    balancing = MODELS.build(dict(type=method, tasks=TASKS))
    drawn = torch.randn(3, 2, 3, 21, generator=torch.Generator().manual_seed(1)).double()
    drawn[1, :, 1] = 0.0
    drawn[2, 0, 2] = 0.0
    found = []
    for rows in drawn:
        size = columns_per_process(21)
        own = torch.zeros(3, size).double()
        for number in range(3):
            row = rows[:, number].mean(0) if rank is None else rows[rank, number]
            scatter_mean(nn.functional.pad(row, (0, size * dist_size(rank) - 21)), own[number])
        found.append(gather(balancing.combine(own))[:21])
    return torch.stack(found)


def dist_size(rank: int | None) -> int:
    return 1 if rank is None else 2


def trained(settings: dict, part: slice, *, distributed: bool) -> dict[str, Tensor]:
    """The state after three steps."""
    torch.manual_seed(0)
    model = make_model(PLANS["last blocks"], **settings).double()
    network: nn.Module | MultiTaskModel = model.train()
    if distributed:
        network = MultiTaskDistributedDataParallel(model)
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    for number in range(3):
        samples = [make_sample(*tasks, seed=number + i) for i, tasks in enumerate(TARGETS)]
        inputs = images(4, seed=number).double()
        data = dict(inputs=inputs[part], data_samples=samples[part])
        network.train_step(data, optim_wrapper)
    return model.state_dict()


def work(folder: Path) -> None:
    """What each process does."""
    dist.init_process_group("gloo")
    rank = int(os.environ["RANK"])
    found: dict = {method: weights(method, rank) for method in LINES}
    found |= {method: combined(method, rank) for method in KINDS}
    part = slice(0, 2) if rank == 0 else slice(2, 4)
    for name, settings in TRAINED.items():
        found[f"trained: {name}"] = trained(settings, part, distributed=True)
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    ranks = start_ranks(__file__, 2, folder)
    assert [process.wait(timeout=300) for process in ranks] == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("method", LINES)
def test_weights(two_processes: list[dict], method: str) -> None:
    expected = weights(method, None)
    for found in two_processes:
        torch.testing.assert_close(found[method], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("method", KINDS)
def test_gradients(two_processes: list[dict], method: str) -> None:
    expected = combined(method, None)
    for found in two_processes:
        torch.testing.assert_close(found[method], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", TRAINED)
def test_training(two_processes: list[dict], name: str) -> None:
    expected = trained(TRAINED[name], slice(None), distributed=False)
    for found in two_processes:
        for key, value in expected.items():
            torch.testing.assert_close(
                found[f"trained: {name}"][key], value, rtol=1e-5, atol=1e-6, msg=key
            )


if __name__ == "__main__":
    work(Path(sys.argv[1]))
