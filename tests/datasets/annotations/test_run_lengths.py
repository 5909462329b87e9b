"""Run lengths, against masks and a text written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mtlplugins.datasets.annotations.run_lengths import RunLengths, decode


def encode(counts: list[int]) -> str:
    """COCO's text, by the definition: five bits at a time from the lowest, 32 for more."""
    text = ""
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        while True:
            bits, value = value & 31, value >> 5
            more = value != (-1 if bits & 16 else 0)
            text += chr(48 + bits + 32 * more)
            if not more:
                break
    return text


def test_the_text_of_coco() -> None:
    # worked out by hand: 40 is X1, 5 - 40 = -35 is mN, 21 - 5 = 16 is `0
    assert decode("61X13mN000`0") == [6, 1, 40, 4, 5, 4, 5, 4, 21]
    random = np.random.default_rng(0)
    for largest in (3, 40, 2000, 10**6):
        counts = random.integers(0, largest, 50).tolist()
        assert decode(encode(counts)) == counts


@pytest.mark.parametrize("form", [list, encode])
def test_masks_are_painted(form: type) -> None:
    # down the columns of 3 rows: 2 outside, 3 inside, 1 outside
    labels = np.zeros((3, 2), np.int32)
    mask = RunLengths(form([2, 3, 1]), (3, 2))
    mask.paint(labels, 7)
    assert labels.tolist() == [[0, 7], [0, 7], [7, 0]]
    assert mask.area == 3


def test_a_rectangle_along_the_rows() -> None:
    labels = np.zeros((4, 5), np.int32)
    RunLengths([0, 1, 2, 3], (2, 3), (1, 2), by_columns=False).paint(labels, 1)
    assert labels[1:3, 2:].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert labels.sum() == 4


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (RunLengths([2, 3], (3, 2)), "2 run lengths add up to 5, not to the 3 x 2 pixels"),
        (RunLengths([8, -2], (3, 2)), "add up to 6, not"),
        (RunLengths([10**30], (3, 2)), "add up to 1000"),
        (RunLengths([6], (3, 2), (0, 1)), r"columns 1 to 2, is not inside .* 2 x 3"),
        (RunLengths([6], (3, 2), (-1, 0)), "rows -1 to 1"),
        (RunLengths("2 3", (3, 2)), "wrong at character 1"),
        (RunLengths("X", (3, 2)), "ends within a number"),
        (RunLengths("X" * 9, (3, 2)), "wrong at character 7"),
    ],
)
def test_broken_masks(mask: RunLengths, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mask.paint(np.zeros((3, 2), np.int32), 1)
