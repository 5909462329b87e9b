"""Two processes agree on what is skipped, and count together."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests._data import make_nyuv2
from tests.engine.hooks._training import Numbers, assert_same, train
from tests.engine.hooks.test_broken_files_hook import draw

#: Item 5 is the second process's, in the second global batch (4, 6 and 5, 7). The loss becomes
#: infinite, and no gradient tells the first process of it.
WRONG = {5: 9.0}


def work(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for name, count in (("plain", 1), ("accumulated", 2)):
        settings = dict(wrapper=dict(accumulative_counts=count), launcher="pytorch")
        data = Numbers(WRONG, count=16)
        found[name] = train(folder / f"{name}{rank}", data, **settings)
        data.values = data.values[[i for i in range(16) if i // (4 * count) != 5 // (4 * count)]]
        found[f"{name} never"] = train(folder / f"{name}_never{rank}", data, **settings)
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize(("name", "skipped"), [("plain", 1), ("accumulated", 2)])
def test_a_batch_of_one_process_is_skipped_by_both(
    ranks: list[dict], name: str, skipped: int
) -> None:
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
