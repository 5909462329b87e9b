"""Distributed training (DDP) on CPUs, and clear errors for launchers that did not start it."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import utils as dist_utils
from mmengine.model import MMDistributedDataParallel

from ._replace import replace_once

#: Environment variables that a launcher sets in each process; MMEngine reads these.
_VARIABLES = dict(
    pytorch=("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
    slurm=("SLURM_PROCID", "SLURM_NTASKS", "SLURM_NODELIST"),
    mpi=("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
)
_STARTED_BY = dict(
    pytorch="tools/dist_train.sh CONFIG NUMBER, or torchrun", slurm="srun", mpi="mpirun"
)

#: Lines of a thread's status (Linux) that change when it runs.
_CHANGING = ("State", "voluntary", "nonvoluntary")


def explain_missing_launch() -> None:
    """Raise a clear error where ``launcher`` is set but no launcher started the process.

    Breaks: MMEngine fails with ``KeyError: 'RANK'``.
    Since: every MMEngine up to 0.10.7.
    Ends: when MMEngine says so itself.
    """
    for launcher in _VARIABLES:
        replace_once(dist_utils, f"_init_dist_{launcher}", _asking_for_variables)


def init_gloo_on_cpu() -> None:
    """Let MMEngine start a process group on a machine without an accelerator.

    Breaks: ``launcher="pytorch"`` (and ``"slurm"``, ``"mpi"``) calls ``torch.cuda.set_device``
    even for the gloo backend, which raises without CUDA.
    Since: every MMEngine up to 0.10.7.
    Ends: when MMEngine checks for a device before it sets one. With an accelerator, MMEngine's own
    code runs. Without one, ``backend="nccl"`` (as most configs say) becomes ``"gloo"``, and a run
    that succeeded closes its connections at exit.
    """
    for launcher in ("pytorch", "slurm", "mpi"):
        replace_once(dist_utils, f"_init_dist_{launcher}", _with_gloo_on_cpu)


def allow_ddp_on_cpu() -> None:
    """Let ``MMDistributedDataParallel`` (DDP) wrap a model on the CPU.

    Breaks: the Runner always passes ``device_ids=[LOCAL_RANK]``, which PyTorch refuses with a
    ValueError for modules on the CPU.
    Since: every MMEngine up to 0.10.7.
    Ends: when the Runner omits ``device_ids`` on the CPU. Models on a GPU are wrapped as before.
    """
    replace_once(MMDistributedDataParallel, "__init__", _without_device_ids_on_cpu)


def _asking_for_variables(init: FunctionType) -> Callable[..., None]:
    launcher = init.__name__.removeprefix("_init_dist_")

    def init_dist(backend: str, **kwargs: Any) -> None:
        """Name the variables that are missing, then start by MMEngine's function."""
        missing = [name for name in _VARIABLES[launcher] if name not in os.environ]
        if missing:
            raise RuntimeError(
                f"launcher={launcher!r}, but nothing has started this process as one of several "
                f"({', '.join(missing)} not set): start it by {_STARTED_BY[launcher]}, or leave "
                "the launcher out"
            )
        init(backend, **kwargs)

    return init_dist


def _with_gloo_on_cpu(init: Callable[..., None]) -> Callable[..., None]:
    def init_dist(backend: str, **kwargs: Any) -> None:
        """Start with gloo where there is no GPU."""
        if get_device() != "cpu":
            init(backend, **kwargs)
            return
        with _no_cuda_device():
            init("gloo" if backend == "nccl" else backend, **kwargs)
        atexit.register(_close_connections)

    return init_dist


def _close_connections() -> None:
    """Close the process group of a run that succeeded, and wait until gloo's threads sleep.

    MMEngine leaves it open. After an error other ranks may be gone, and closing could wait for
    them forever; then only the threads are waited for, which sleep while they wait for a peer.
    """
    if torch.distributed.is_initialized() and not hasattr(sys, "last_type"):
        torch.distributed.destroy_process_group()
    _wait_for_gloo()


def _wait_for_gloo() -> None:
    """Wait up to 10 s until gloo's threads sleep (Linux only).

    They stay alive while something holds the process group, such as a model wrapped by
    ``DistributedDataParallel``. After an operation a thread may free a tensor, which takes Python's
    global lock (GIL); a thread that asks for it while the interpreter shuts down is made to exit,
    and that aborts the process.
    """
    until = time.monotonic() + 10
    before = None
    while time.monotonic() < until:
        now = _gloo_thread_states()
        if now == before and all("(sleeping)" in state for state in now):
            return
        before = now
        time.sleep(0.01)  # releases the GIL, which a thread may be waiting for


def _gloo_thread_states() -> list[str]:
    """Read the state and the context switches, which grow as it runs, of each gloo thread."""
    found = []
    for status in sorted(Path("/proc/self/task").glob("*/status")):
        with suppress(OSError):  # the thread has just ended
            name, *lines = status.read_text().splitlines()
            if name == "Name:\tpt_gloo_runloop":
                found.append(" ".join(line for line in lines if line.startswith(_CHANGING)))
    return found


@contextmanager
def _no_cuda_device() -> Iterator[None]:
    """Context in which ``torch.cuda.set_device`` does nothing."""
    set_device = torch.cuda.set_device
    torch.cuda.set_device = lambda device: None  # ty: ignore[invalid-assignment]  # monkey patch
    try:
        yield
    finally:
        torch.cuda.set_device = set_device


def _without_device_ids_on_cpu(init: Callable[..., None]) -> Callable[..., None]:
    def __init__(
        self: MMDistributedDataParallel, module: torch.nn.Module, *args: Any, **kwargs: Any
    ) -> None:
        if all(parameter.device.type == "cpu" for parameter in module.parameters()):
            kwargs["device_ids"] = None
        init(self, module, *args, **kwargs)

    return __init__
