"""Two ranks skip the same batches, and count together."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests._data import make_nyuv2
from tests._processes import start_ranks
from tests.engine._training import WRAPPERS, Numbers, assert_same, scale_on_cpu, train
from tests.engine.guards.test_broken_files_hook import draw

pytestmark = pytest.mark.slow

#: Item 5 is the second process's, in the second global batch (4, 6 and 5, 7). The loss becomes
#: infinite, and no gradient tells the first process of it.
WRONG = {5: 9.0}
CASES = {**WRAPPERS, "accumulated": dict(accumulative_counts=2)}


def skip_batches(rank: int, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, wrapper in CASES.items():
        count = wrapper.get("accumulative_counts", 1)
        settings = dict(wrapper=wrapper, launcher="pytorch")
        data = Numbers(WRONG, count=16)
        found[name] = train(folder / f"{name}{rank}", data, **settings)
        data.values = data.values[[i for i in range(16) if i // (4 * count) != 5 // (4 * count)]]
        found[f"{name} never"] = train(folder / f"{name}_never{rank}", data, **settings)
    return found


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        scale_on_cpu(patch)
        found = skip_batches(rank, folder)
    try:
        train(folder / f"stop{rank}", Numbers(WRONG), action="stop", launcher="pytorch")
    except FloatingPointError as error:
        found["message"] = str(error)
    found["broken"] = draw(folder / "nyuv2", folder / f"broken{rank}", launcher="pytorch")
    torch.save(found, folder / f"{rank}.pt")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    root = make_nyuv2(folder / "nyuv2", frames=6, test=[])
    (root / "image" / "0003.jpg").write_bytes(b"")
    processes = start_ranks(__file__, 2, folder)
    assert [process.wait(timeout=240) for process in processes] == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("name", CASES)
def test_a_batch_of_one_process_is_skipped_by_both(ranks: list[dict], name: str) -> None:
    """Weights, buffers and the optimizer's state are those of a training without the batch."""
    skipped = CASES[name].get("accumulative_counts", 1)
    for found in ranks:
        assert_same(found[name], found[f"{name} never"])
        assert found[name]["skipped"] == skipped
    # batch norm's statistics are each process's own
    weights = [
        {k: v for k, v in found[name]["model"].items() if k.startswith("heads")} for found in ranks
    ]
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=0)


def test_both_stop_and_name_the_images_of_the_one(ranks: list[dict]) -> None:
    for found in ranks:
        assert found["message"].startswith(
            "task 'depth' has a loss of inf in iteration 2, images: 5.jpg, 7.jpg."
        )


def test_broken_files_are_counted_together(ranks: list[dict]) -> None:
    """Two epochs of six draws: the broken image is drawn once in each, by either process."""
    seen = [found["broken"]["left_out"] for found in ranks]
    assert sum(map(len, seen)) == 2
    assert {Path(path).name for paths in seen for path in paths} == {"0003.jpg"}
    for found in ranks:
        assert found["broken"]["count"] == 2
        assert len(found["broken"]["names"]) == 6


if __name__ == "__main__":
    work(int(os.environ["RANK"]), Path(sys.argv[1]))
