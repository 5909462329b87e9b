"""Names of images as others write them: with the suffix, in columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.datasets.targets import ImageLabel
from tests._data import picture, write, write_labels, write_split


def test_image_names_with_their_suffix(tmp_path: Path) -> None:
    write_labels(tmp_path / "rooms.json", {"x/a.jpg": "hall", "x/b.c.jpg": "lift"})
    found = ImageLabel("rooms.json").find(tmp_path, ["x/a", "x/b.c", "x/d"])
    assert found == {"x/a": 0, "x/b.c": 1}


def test_names_without_a_suffix_go_first(tmp_path: Path) -> None:
    write_labels(tmp_path / "rooms.json", {"a.1": "hall", "a.2": "lift"})
    assert ImageLabel("rooms.json").find(tmp_path, ["a.1", "a.2"]) == {"a.1": 0, "a.2": 1}


def test_two_suffixes_are_not_guessed(tmp_path: Path) -> None:
    write_labels(tmp_path / "rooms.json", {"a.jpg": "hall", "a.png": "lift"})
    target = ImageLabel("rooms.json")
    assert target.find(tmp_path, ["a"]) == {}
    assert "which names images such as 'a.jpg', not 'a'" in target.where(tmp_path, "a")


@pytest.mark.parametrize("lead", ["", "/"])
def test_a_list_of_pairs_is_shown_as_it_was_read(tmp_path: Path, lead: str) -> None:
    for name in ("rgb_1", "rgb_2"):
        write(tmp_path / f"image/{name}.jpg", picture(1))
        write(tmp_path / f"depth/{name}.png", np.ones((24, 32), np.uint16))
    lines = [f"{lead}rgb_{n}.jpg {lead}sync_depth_{n}.png 518.8579" for n in (1, 2)]
    split = write_split(tmp_path / "train.txt", lines)
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        MultiTaskDataset(
            str(tmp_path), dict(depth=dict(type="DepthMap", folder="depth")), ann_file=str(split)
        )
    assert "rgb_1.jpg" in str(caught.value)
    assert "one image name per line" in str(caught.value)
