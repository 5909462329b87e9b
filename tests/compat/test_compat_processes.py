from __future__ import annotations

from pathlib import Path

import pytest
import torch

import mtlplugins  # noqa: F401
from tests._processes import start_ranks
from tests.compat.small_runner import INPUTS, Line, assert_same, run_python

TWO_PROCESSES = """
import sys
from pathlib import Path
import mtlplugins
import torch
from small_runner import make_runner

runner = make_runner(
    Path(sys.argv[1]) / "work", by_epoch=True, launcher="pytorch",
    env_cfg={"dist_cfg": {"backend": "nccl"}},  # as configs say
    optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.1}}, param_scheduler=None,
)
runner.train()
torch.save(runner.model.module.state_dict(), Path(sys.argv[1]) / f"{runner.rank}.pth")
leave = torch.distributed.destroy_process_group
torch.distributed.destroy_process_group = lambda: (leave(), print("closed", flush=True))
if sys.argv[2:]:
    raise RuntimeError(sys.argv[2])
"""


@pytest.mark.slow
def test_two_processes_train_on_the_cpu(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TWO_PROCESSES)
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    done = run_python(
        *launch, str(tmp_path / "train.py"), str(tmp_path),
        OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("closed") == 2
    first, second = (torch.load(tmp_path / f"{rank}.pth", weights_only=True) for rank in range(2))
    assert_same(first, second)

    # Rank r sees rows r, r + 2, ...: two batches of 2 rows are together a batch of 4.
    reference = Line()
    optimizer = torch.optim.SGD(reference.parameters(), lr=0.1)
    for batch in (*INPUTS.split(4), *INPUTS.split(4)):
        optimizer.zero_grad()
        reference(batch, mode="loss")["loss"].backward()
        optimizer.step()
    torch.testing.assert_close(first, dict(reference.state_dict()))


@pytest.mark.slow
def test_a_process_that_failed_waits_for_no_other(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TWO_PROCESSES)
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    done = run_python(
        *launch, str(tmp_path / "train.py"), str(tmp_path), "as it happens",
        OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="",
    )  # fmt: skip
    assert done.returncode == 1
    assert "RuntimeError: as it happens" in done.stderr
    assert "closed" not in done.stdout


SLOW_THREAD = """
import sys, threading, time
import mtlplugins
import torch
from mmengine.dist import init_dist

class Slow:
    def __del__(self, clock=time.monotonic):
        begun.set()
        until = clock() + 0.5
        while clock() < until:
            pass

class Late:
    def __del__(self, sleep=time.sleep):
        sleep(2)

begun = threading.Event()
init_dist("pytorch", backend="gloo")
group = torch.distributed.group.WORLD  # held as by a wrapped model, so that threads live on
sys.late = Late()  # the interpreter takes its time to end
tensor = torch.ones(1)
tensor.note = Slow()
torch.distributed.all_reduce(tensor, async_op=True)
del tensor  # so that the thread frees it
begun.wait()
"""


@pytest.mark.slow
def test_a_thread_that_still_frees_tensors_does_not_abort_the_end(tmp_path: Path) -> None:
    (tmp_path / "end.py").write_text(SLOW_THREAD)
    processes = start_ranks(str(tmp_path / "end.py"), 2, tmp_path)
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
