"""A signal to one of two ranks ends both after the same iteration."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests._processes import start_ranks
from tests.engine.resume._stopping import At, make_run, terminate, weights

pytestmark = pytest.mark.slow

#: By name, the process that gets the signal and where: of the four images and three to validate on,
#: one at a time, all but the first process's last have a counterpart in the other.
SIGNALS = {
    "training": (1, "train", 3),
    "validation": (1, "val", 4),
    "more to validate": (0, "more", 4),
    "last validation": (0, "more", 6),
}


class AtMore(At):
    """Do something, also in an iteration of a validation that the other process has not."""

    def after_val_iter(self, runner: Any, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        super().after_val_iter(runner, batch_idx, *args, **kwargs)
        if batch_idx == 3:
            self._here("more", runner.iter)


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    settings = dict(round_up=False, launcher="pytorch")
    straight = make_run(folder / "straight", **settings)
    straight.train()
    found: dict[str, Any] = {"straight": dict(weights=weights(straight))}
    for name, (told, *where) in SIGNALS.items():
        hooks = [AtMore(*where, terminate)] if rank == told else []
        run = make_run(folder / name, *hooks, **settings)
        status = 0
        try:
            run.train()
        except SystemExit as ended:
            status = ended.code
        torch.distributed.barrier()  # the first process has written what the other reads
        again = make_run(folder / name, **settings)
        again.train()
        found[name] = dict(status=status, stopped=run.iter, weights=weights(again))
    torch.save(found, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    processes = start_ranks(__file__, 2, folder)
    assert [process.wait(timeout=240) for process in processes] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize(
    ("name", "status", "iteration"),
    [
        ("training", 143, 2),  # of a training iteration, the count grows behind its hooks
        ("validation", 143, 4),
        ("more to validate", 143, 4),
        ("last validation", 0, 6),
    ],
)
def test_both_end_after_the_same_iteration_and_lose_nothing(
    ranks: list[dict], name: str, status: int, iteration: int
) -> None:
    for found in ranks:
        assert (found[name]["status"], found[name]["stopped"]) == (status, iteration)
        for one, other in zip(found[name]["weights"], ranks[0]["straight"]["weights"], strict=True):
            assert torch.equal(one, other)


if __name__ == "__main__":
    work(int(os.environ["RANK"]), Path(sys.argv[1]))
