"""Names as arrays against plain dicts."""

from __future__ import annotations

import pickle

import pytest

from mtlplugins.datasets.reading.image_names import ImageNames

FOLDERS = [
    (["a/1", "a/ö 2", "a/3"], dict(depth={"a/1", "a/3", "a/9"}, edges=set())),
    ([], dict(depth={"b/1"}, edges=set())),
    (["c/1"], dict(depth=set(), edges={"c/1"})),
]
PLAIN = [
    dict(name="a/1", target_tasks=("depth",)),
    dict(name="a/ö 2", target_tasks=()),
    dict(name="a/3", target_tasks=("depth",)),
    dict(name="c/1", target_tasks=("edges",)),
]


def test_items_are_those_of_a_plain_list() -> None:
    images = ImageNames(FOLDERS, ("depth", "edges"))
    assert list(images) == PLAIN
    assert [images[-1], images[1:3], len(images)] == [PLAIN[-1], PLAIN[1:3], 4]
    assert images.counts() == dict(depth=2, edges=1)
    assert list(pickle.loads(pickle.dumps(images))) == PLAIN
    with pytest.raises(IndexError):
        images[4]


def test_nothing_is_an_empty_list() -> None:
    assert list(ImageNames([], ("depth",))) == []
    assert ImageNames([], ("depth",)).counts() == dict(depth=0)


def test_64_tasks_have_a_bit_each() -> None:
    tasks = [f"t{k}" for k in range(64)]
    images = ImageNames(
        [(["a"], {t: {"a"} if t in ("t0", "t63") else set() for t in tasks})], tasks
    )
    assert images[0]["target_tasks"] == ("t0", "t63")


def test_an_image_takes_its_name_and_few_bytes_more() -> None:
    names = [f"building/point_{n:05d}_view_0" for n in range(1000)]
    images = ImageNames([(names, dict(depth=set(names)))], ("depth",))
    assert len(pickle.dumps(images)) < 1000 * (len(names[0]) + 16) + 2000
