"""Properties of randomness: the same numbers in, the same numbers out, whatever ran before."""

from __future__ import annotations

import random
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from mtlplugins.common.randomness import seed_all, seeded, uniform
from tests.faults.properties._examples import examples

pytestmark = pytest.mark.faults

words = st.integers(0, 2**63 - 1)
entropies = st.lists(st.one_of(st.integers(0, 3), words), min_size=1, max_size=3).map(tuple)


def numbers() -> tuple:
    """The next numbers of each generator."""
    return random.random(), *np.random.rand(2), *torch.rand(2).tolist()


@examples(200)
@given(entropies, entropies)
def test_inside_the_context_and_after_it(entropy: tuple, other: tuple) -> None:
    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    undisturbed = numbers()
    torch.manual_seed(1), random.seed(1), np.random.seed(1)
    with seeded(*entropy):
        first = numbers()
        with suppress(KeyError), seeded(*other):
            inner = numbers()
            raise KeyError  # an error must not leave the seed behind
        second = numbers()
    assert numbers() == undisturbed
    with seeded(*entropy):
        assert (numbers(), numbers()) == (first, second)
    # trailing zeros do not count: a seed sequence pads with them
    if np.random.SeedSequence(entropy).generate_state(1) != (
        np.random.SeedSequence(other).generate_state(1)
    ):
        assert inner != first
    with seeded(123):
        seed_all(*entropy)
        assert numbers() == first


def splitmix(state: int) -> int:
    """The output function of SplitMix64 with its increment, in plain whole numbers."""
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


rows = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[words] * width), min_size=1, max_size=8)
)


@examples(200)
@given(rows, st.integers(0, 20), st.integers(1, 6), st.data())
def test_uniform_numbers(rows: list[tuple], stream: int, count: int, data: st.DataObject) -> None:
    found = uniform(np.array(rows), stream=stream, count=count)
    assert found.shape == (len(rows), count)
    assert found.dtype == np.float64
    assert ((found >= 0) & (found < 1)).all()
    for row, line in zip(rows, found.tolist(), strict=True):
        state = splitmix(stream)
        for word in row:
            state = splitmix(state ^ word)
        counters = [(state + i * 0x9E3779B97F4A7C15) % 2**64 for i in range(1, count + 1)]
        assert line == [(splitmix(c) >> 11) / 2**53 for c in counters]
    # a row's numbers depend on nothing but the row: neither on the others nor on how many are asked
    picked = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=10))
    again = uniform(np.array([rows[i] for i in picked]), stream=stream, count=count)
    assert (again == found[picked]).all()
    assert (uniform(np.array(rows), stream=stream, count=count + 3)[:, :count] == found).all()


@examples(200)
@given(st.lists(st.tuples(words, words), min_size=2, max_size=20, unique=True), st.integers(0, 9))
def test_other_rows_and_streams_have_other_numbers(rows: list[tuple], stream: int) -> None:
    found = uniform(np.array(rows), stream=stream, count=2)
    assert len(np.unique(found)) == found.size
    assert not np.isin(uniform(np.array(rows), stream=stream + 1, count=2), found).any()


@examples(200)
@given(words, words)
def test_every_bit_counts(seed: int, number: int) -> None:
    assume(number > 0)
    with seeded(seed, number):
        first = numbers()
    with seeded(seed, number - 1):
        assert numbers() != first
    with seeded(seed ^ 1, number):
        assert numbers() != first
