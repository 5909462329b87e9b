"""Colours of classes without a palette."""

from __future__ import annotations

import numpy as np

import mtlplugins  # noqa: F401
from mtlplugins.datasets.targets.colours import distinct_colours


def test_colours_are_distinct_and_valid() -> None:
    for count in (2, 14, 40, 150):
        colours = np.array(distinct_colours(count))
        assert colours.shape == (count, 3)
        assert colours.min() >= 0
        assert colours.max() <= 255
        assert len(np.unique(colours, axis=0)) == count
    apart = np.abs(np.array(distinct_colours(14))[:, None] - distinct_colours(14)).sum(-1)
    assert apart[~np.eye(14, dtype=bool)].min() > 30
    assert distinct_colours(40)[:14] == distinct_colours(14)
