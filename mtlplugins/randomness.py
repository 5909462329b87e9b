"""Randomness as a function of whole numbers instead of a state that must be saved.

Seeding from (seed, draw) or (seed, rank, iteration) makes what happens there independent of
everything that ran before: of the number of workers, of the epoch, and of whether the run was
stopped and resumed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_all(*entropy: int) -> None:
    """Seed Python, NumPy and torch, on all devices, from whole numbers ≥ 0."""
    torch.manual_seed(_seed_host(*entropy))


@contextmanager
def seeded(*entropy: int) -> Iterator[None]:
    """Seed Python, NumPy and torch (CPU) inside the context; restore their states behind it."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    torch.default_generator.manual_seed(_seed_host(*entropy))
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def _seed_host(*entropy: int) -> int:
    """Seed Python and NumPy, and return a seed for torch."""
    words = np.random.SeedSequence(entropy).generate_state(4)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    return int(words[2]) << 32 | int(words[3])
