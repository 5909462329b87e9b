"""Two and four ranks train and score as one process does with the whole batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests._processes import start_ranks
from tests.faults import _ranks
from tests.faults._ranks import IMAGES, STEPS, TRAINED, train

pytestmark = pytest.mark.faults

WORLDS = (2, 4)
#: Steps in which no process has a valid target of this task.
WITHOUT = {"nothing valid anywhere": "depth", "a task is nowhere": "scene"}


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict]]:
    """What each process of each group found."""
    folders = {world: tmp_path_factory.mktemp(f"{world}_processes") for world in WORLDS}
    groups = {
        world: start_ranks(_ranks.__file__, world, folder) for world, folder in folders.items()
    }
    for processes in groups.values():
        assert [process.wait(timeout=400) for process in processes] == [0] * len(processes)
    return {
        world: [torch.load(folder / f"{rank}.pt") for rank in range(world)]
        for world, folder in folders.items()
    }


@pytest.fixture(scope="module", params=TRAINED)
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a single process finds."""
    found = train(request.param, tmp_path_factory.mktemp("one"), "none")
    return found | dict(name=request.param)


def moves(found: dict) -> list[dict[str, Tensor]]:
    """What each step did to each tensor of the model: of a weight, the gradient times 0.02."""
    start = found["start"]
    return [{name: state[name] - start[name] for name in start} for state in found["states"]]


@pytest.mark.parametrize("world", WORLDS)
def test_losses_and_gradients_are_those_of_one(ranks: dict, one: dict, world: int) -> None:
    expected = moves(one)
    assert len(expected) == len(STEPS)
    for found in (rank[one["name"]] for rank in ranks[world]):
        for step, expected_losses, losses in zip(
            STEPS, one["losses"], found["losses"], strict=True
        ):
            for name, loss in expected_losses.items():
                torch.testing.assert_close(
                    losses[name], loss, rtol=1e-5, atol=1e-7, check_dtype=False,
                    msg=lambda m, where=f"{step}, {name}: ": where + m,
                )  # fmt: skip
        for step, wanted, moved in zip(STEPS, expected, moves(found), strict=True):
            for name, move in wanted.items():
                torch.testing.assert_close(
                    moved[name], move, rtol=1e-5, atol=1e-5 * float(move.abs().max()) + 1e-12,
                    msg=lambda m, where=f"{step}, {name}: ": where + m,
                )  # fmt: skip


@pytest.mark.parametrize("world", WORLDS)
def test_weights_and_statistics_stay_the_same_everywhere(
    ranks: dict, one: dict, world: int
) -> None:
    first, *others = (rank[one["name"]]["states"] for rank in ranks[world])
    for other in others:
        for own, expected in zip(other, first, strict=True):
            assert all(torch.equal(own[name], value) for name, value in expected.items())


@pytest.mark.parametrize("world", WORLDS)
def test_metrics_are_those_of_one(ranks: dict, one: dict, world: int) -> None:
    """Of seven images: two processes repeat one of them, and four too."""
    assert len(one["metrics"]) == 3 + 10 + 1
    for rank in ranks[world]:
        assert rank[one["name"]]["metrics"] == pytest.approx(one["metrics"], rel=1e-6)


def test_steps_are_no_easy_cases(one: dict) -> None:
    assert len(IMAGES) > 2 * len(STEPS)
    names = {name for losses in one["losses"] for name in losses} - {"loss"}
    for step, losses, moved in zip(STEPS, one["losses"], moves(one), strict=True):
        for task in (name.removesuffix("_loss") for name in names):
            learns = task != WITHOUT.get(step)
            assert (losses.get(f"{task}_loss", 0) > 0) == learns
            own = [m for n, m in moved.items() if n.startswith(f"heads.{task}.")]
            assert len(own) == 2
            assert all(bool(m.any()) == learns for m in own)
