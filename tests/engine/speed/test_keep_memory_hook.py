"""Freed memory of one step is reused in the next."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

STEPS = """
import resource, sys
from types import SimpleNamespace
import torch
from mtlplugins.engine import KeepMemoryHook

model = torch.nn.Linear(1, 1, device=sys.argv[1])
KeepMemoryHook().before_run(SimpleNamespace(model=model))

def step():
    tensors = [torch.ones(2**23) for _ in range(3)]  # 96 MiB
    return sum(tensor[0] for tensor in tensors)

for _ in range(3):  # the heap grows to what steps need
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_fetched(device: str) -> int:
    """Pages that ten steps get from the system, of a model on ``device``."""
    command = [sys.executable, "-c", STEPS, device]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(found.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="of glibc alone")
def test_a_step_takes_its_memory_from_the_one_before() -> None:
    kept, fetched = pages_fetched("cpu"), pages_fetched("meta")
    # 960 MiB in pages of 4 KiB, or of up to 2 MiB where the system makes them large
    assert fetched >= 10 * 3 * 16
    assert kept < fetched / 3
