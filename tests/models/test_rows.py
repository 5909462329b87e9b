from __future__ import annotations

import pytest
import torch

from mtlplugins.models.conditioning import TaskEmbedding
from mtlplugins.models.rows import AllRows, SomeRows
from tests.models._models import TASKS, make_sample


def partly_labelled() -> list:
    return [
        make_sample("depth", "semantic"),
        make_sample("depth"),
        make_sample("semantic", "depth"),
    ]


def test_a_row_for_each_target_task_major():
    rows = SomeRows.with_targets(TASKS, partly_labelled())
    assert rows.images == {"semantic": [0, 2], "depth": [0, 1, 2]}
    assert list(rows.images) == ["semantic", "depth"]
    assert rows.num_images == 3
    turned = SomeRows.with_targets(("depth", "semantic"), partly_labelled())
    assert list(turned.images) == ["depth", "semantic"]


def test_tasks_that_are_not_learnt_make_no_rows():
    assert SomeRows.with_targets(("semantic",), partly_labelled()).images == {"semantic": [0, 2]}


@pytest.mark.parametrize("shared_maps", [0, 1, 2])
def test_all_rows_equal_rows_of_all_images(shared_maps: int):
    tasks = ("scene", "depth")
    every, some = AllRows(tasks, 3), SomeRows({task: [0, 1, 2] for task in tasks}, 3)
    embedding = TaskEmbedding(TASKS, 4)
    ours, theirs = every.condition(embedding), some.condition(embedding)
    assert torch.equal(ours.z, theirs.z)
    assert ours.image_index.tolist() == theirs.image_index.tolist() == [0, 1, 2, 0, 1, 2]
    assert ours.task_index.tolist() == theirs.task_index.tolist() == [0, 0, 0, 1, 1, 1]
    assert ours.image_index.dtype == ours.task_index.dtype == torch.int64
    assert ours.rows_per_task == theirs.rows_per_task == (3, 3)

    of_images, of_rows = torch.rand(3, 2, 4, 4), torch.rand(6, 2, 4, 4)
    maps = [of_images] * shared_maps + [of_rows] * (2 - shared_maps)
    for task in tasks:
        for x, y in zip(
            every.features(maps, task, shared_maps),
            some.features(maps, task, shared_maps),
            strict=True,
        ):
            assert torch.equal(x, y)
    for x, y in zip(every.branch(maps, shared_maps), some.branch(maps, shared_maps), strict=True):
        assert torch.equal(x, y)


def test_condition():
    embedding = TaskEmbedding(TASKS, 4)
    condition = SomeRows({"semantic": [0, 2], "scene": [1]}, 3).condition(embedding)
    assert torch.equal(condition.z, torch.stack([embedding["semantic"], embedding["scene"]]))
    assert condition.image_index.tolist() == [0, 2, 1]
    assert condition.task_index.tolist() == [0, 0, 1]
    assert condition.rows_per_task == (2, 1)


@pytest.mark.parametrize("shared_maps", [0, 1, 2])
def test_features_of_a_task(shared_maps: int):
    rows = SomeRows({"semantic": [0, 2], "depth": [0, 1, 2], "scene": [1]}, 3)
    pairs = [(0, 0), (0, 2), (1, 0), (1, 1), (1, 2), (2, 1)]  # task, image
    # each map says what it is of: image, or 10 · task + image
    of_images = torch.arange(3.0)[:, None, None, None]
    of_rows = torch.tensor([10.0 * t + i for t, i in pairs])[:, None, None, None]
    maps = [of_images] * shared_maps + [of_rows] * (2 - shared_maps)
    for t, (task, images) in enumerate(rows.images.items()):
        picked = rows.features(maps, task, shared_maps)
        wanted = [images] * shared_maps + [[10 * t + i for i in images]] * (2 - shared_maps)
        assert [m.flatten().tolist() for m in picked] == wanted


def test_no_target_at_all():
    samples = [make_sample("scene", name=f"room/{i}.png") for i in range(6)]
    message = (
        r"no image of this batch has a target of the model's tasks semantic, depth: "
        r"room/0\.png, room/1\.png, room/2\.png, room/3\.png, … 2 more\. Check the data"
    )
    with pytest.raises(ValueError, match=message):
        SomeRows.with_targets(("semantic", "depth"), samples)
    # targets of tasks that make no rows are no mistake
    rows = SomeRows.with_targets(("semantic", "depth"), samples, others=("scene",))
    assert rows.images == {}
    assert rows.num_images == 6
