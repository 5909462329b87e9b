"""Reproducible, stateless randomness: numbers are a function of integers, no state is saved.

Seeding from (seed, draw) or (seed, rank, iteration) makes random numbers independent of everything
that ran before: of the number of workers, the epoch, and whether the run was stopped and resumed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_all(*entropy: int) -> None:
    """Seed Python, NumPy and torch, on all devices, from integers ≥ 0."""
    torch.manual_seed(_seed_host(*entropy))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Context after which Python's, NumPy's and torch's (CPU) generators are where they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


@contextmanager
def seeded(*entropy: int) -> Iterator[None]:
    """Context with Python, NumPy and torch (CPU) seeded; their states are restored after it."""
    with undisturbed():
        torch.default_generator.manual_seed(_seed_host(*entropy))
        yield


def _seed_host(*entropy: int) -> int:
    """Seed Python and NumPy; return a seed for torch."""
    words = np.random.SeedSequence(entropy).generate_state(4)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    return int(words[2]) << 32 | int(words[3])


def uniform(entropy: np.ndarray, *, stream: int, count: int) -> np.ndarray:
    """Draw uniform numbers for many rows at once, without a generator per row.

    Counter-based like SplitMix64 (Steele et al. 2014): the numbers of a row depend only on that row
    and the stream.

    Args:
        entropy: Integers ≥ 0 (N, K), such as (seed, draw).
        stream: A different integer for each use, so that uses are independent.
        count: Numbers per row.

    Returns:
        float64 (N, count), uniform in [0, 1).
    """
    words = np.asarray(entropy).astype(np.uint64)
    with np.errstate(over="ignore"):  # arithmetic is modulo 2 ** 64
        state = _mixed(np.full(len(words), stream, np.uint64))
        for column in words.T:
            state = _mixed(state ^ column)
        counters = np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
        mixed = _mixed(state[:, None] + counters)
    return (mixed >> np.uint64(11)) * 2.0**-53


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(words: np.ndarray) -> np.ndarray:
    words = words + _GOLDEN
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
