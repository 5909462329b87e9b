"""Distributed training (DDP) on CPUs, and launchers that were not started as such."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import utils as dist_utils
from mmengine.model import MMDistributedDataParallel

from ._replace import replace_once

#: What a launcher tells each of its processes; MMEngine reads these.
_VARIABLES = dict(
    pytorch=("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
    slurm=("SLURM_PROCID", "SLURM_NTASKS", "SLURM_NODELIST"),
    mpi=("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
)
_STARTED_BY = dict(
    pytorch="tools/dist_train.sh CONFIG NUMBER, or torchrun", slurm="srun", mpi="mpirun"
)

#: Of what Linux tells of a thread, the lines that change when it runs.
_STEPS = ("State", "voluntary", "nonvoluntary")


def name_missing_launchers() -> None:
    """Say what is missing where ``launcher`` is set in a process that none has started.

    Breaks: it ends in ``KeyError: 'RANK'``.
    Since: every MMEngine up to 0.10.7.
    Ends: when MMEngine says so itself.
    """
    for launcher in _VARIABLES:
        replace_once(dist_utils, f"_init_dist_{launcher}", _asking_for_variables)


def start_processes_on_cpu() -> None:
    """Let MMEngine's launchers start a process group on a machine without an accelerator.

    Breaks: ``launcher="pytorch"`` (and ``"slurm"``, ``"mpi"``) calls ``torch.cuda.set_device``
    even for the gloo backend, which raises where CUDA is missing.
    Since: every MMEngine up to 0.10.7.
    Ends: when MMEngine asks for the device before it sets it. With an accelerator MMEngine's own
    code runs. Without one, ``backend="nccl"`` (what configs usually say) becomes ``"gloo"``, and a
    run that ended well closes its connections.
    """
    for launcher in ("pytorch", "slurm", "mpi"):
        replace_once(dist_utils, f"_init_dist_{launcher}", _with_gloo_on_cpu)


def wrap_models_on_cpu() -> None:
    """Let ``MMDistributedDataParallel`` wrap a model that lives on the CPU.

    Breaks: the Runner always passes ``device_ids=[LOCAL_RANK]``, which PyTorch refuses with a
    ValueError for modules on the CPU.
    Since: every MMEngine up to 0.10.7.
    Ends: when the Runner leaves ``device_ids`` out on the CPU. Models on a GPU are wrapped as ever.
    """
    replace_once(MMDistributedDataParallel, "__init__", _without_device_ids_on_cpu)


def _asking_for_variables(init: Callable[..., None]) -> Callable[..., None]:
    launcher = init.__name__.removeprefix("_init_dist_")

    def init_dist(backend: str, **kwargs: Any) -> None:
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
        if get_device() != "cpu":
            init(backend, **kwargs)
            return
        with _no_cuda_device():
            init("gloo" if backend == "nccl" else backend, **kwargs)
        atexit.register(_leave)

    return init_dist


def _leave() -> None:
    """Close the connections of a run that ended well, and let gloo's threads come to rest.

    MMEngine leaves them open. After an error others may be gone, and closing could wait for them;
    then the threads, which sleep in what they wait for, are all that is waited for.
    """
    if torch.distributed.is_initialized() and not hasattr(sys, "last_type"):
        torch.distributed.destroy_process_group()
    _wait_for_gloo()


def _wait_for_gloo() -> None:
    """Wait up to 10 s until gloo's threads are asleep, where the system tells (Linux).

    They live on where something still holds the process group, as a model wrapped by
    ``DistributedDataParallel`` does. Behind an operation the last thing that a thread does may be
    to free a tensor, which takes Python's lock; one that asks for the lock when the interpreter has
    begun to end is made to exit, and that aborts the process.
    """
    until = time.monotonic() + 10
    before = None
    while time.monotonic() < until:
        now = _steps_of_gloo()
        if now == before and all("(sleeping)" in steps for steps in now):
            return
        before = now
        time.sleep(0.01)  # without Python's lock, which a thread may be waiting for


def _steps_of_gloo() -> list[str]:
    """The state of each of gloo's threads and how often it was switched, which grows as it runs."""
    found = []
    for status in sorted(Path("/proc/self/task").glob("*/status")):
        with suppress(OSError):  # it has just ended
            name, *lines = status.read_text().splitlines()
            if name == "Name:\tpt_gloo_runloop":
                found.append(" ".join(line for line in lines if line.startswith(_STEPS)))
    return found


@contextmanager
def _no_cuda_device() -> Iterator[None]:
    """Make ``torch.cuda.set_device`` do nothing, as there is no device to set."""
    set_device = torch.cuda.set_device
    torch.cuda.set_device = lambda device: None
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
