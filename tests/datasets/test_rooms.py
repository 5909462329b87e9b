from __future__ import annotations

import numpy as np
import pytest
import torch

from mtlplugins.datasets import RoomsDataset, rooms
from mtlplugins.rooms.renderer import CLASSES, PALETTE, SCENES, SUPERCLASSES, render_room

SIZE = (24, 32)
TASKS = ("semantic", "depth", "normals", "scene", "superclass")


def test_an_item_is_the_rendered_room() -> None:
    data = RoomsDataset(5, seed=3, size=SIZE)
    assert len(data) == 5
    for index in (0, 4):
        item, room = data[index], render_room(3, index, size=SIZE)
        np.testing.assert_array_equal(item["img"][..., ::-1], room.image)
        assert item["img"].flags.c_contiguous
        for task in TASKS:
            np.testing.assert_array_equal(item[f"gt_{task}"], getattr(room, task))
        assert item["ori_shape"] == item["img_shape"] == SIZE
        assert sorted(item["seg_fields"]) == ["gt_depth", "gt_normals", "gt_semantic"]
    assert data[0]["img_path"] != data[4]["img_path"]


def test_items_depend_on_seed_and_index_alone() -> None:
    one, other = RoomsDataset(3, seed=3, size=SIZE), RoomsDataset(9, seed=3, size=SIZE)
    assert np.array_equal(one[2]["img"], other[2]["img"])
    assert not np.array_equal(one[2]["img"], one[1]["img"])
    assert not np.array_equal(one[2]["img"], RoomsDataset(3, seed=4, size=SIZE)[2]["img"])


def test_a_packed_room_has_the_shared_form() -> None:
    data = RoomsDataset(1, size=SIZE, pipeline=[dict(type="PackMultiTask")])
    packed = data[0]
    room = render_room(0, 0, size=SIZE)
    assert packed["inputs"].dtype == torch.uint8
    np.testing.assert_array_equal(packed["inputs"].permute(1, 2, 0).flip(-1), room.image)
    sample = packed["data_samples"]
    described = {
        task: (tuple(sample.target(task).data.shape), sample.target(task).data.dtype)
        for task in ("semantic", "depth", "normals")
    }
    assert described == {
        "semantic": ((1, *SIZE), torch.int64),
        "depth": ((1, *SIZE), torch.float32),
        "normals": ((3, *SIZE), torch.float32),
    }
    np.testing.assert_array_equal(sample.target("normals").data.permute(1, 2, 0), room.normals)
    assert sample.target("scene").label.tolist() == [room.scene]
    assert sample.target("superclass").label.tolist() == [room.superclass]


def test_metainfo_names_the_classes() -> None:
    tasks = RoomsDataset(1).metainfo["tasks"]
    assert tasks["semantic"]["classes"] == tuple(CLASSES)
    assert tasks["semantic"]["palette"] == PALETTE
    assert tasks["scene"]["classes"] == tuple(SCENES)
    assert tasks["superclass"]["classes"] == tuple(SUPERCLASSES)
    assert tasks["depth"] == dict(kind="depth", unit="m", file_unit=0.001)
    assert tasks["normals"] == dict(kind="normals")


def test_tasks_and_rooms_can_be_chosen() -> None:
    data = RoomsDataset(4, size=SIZE, tasks=["scene", "depth"], indices=[3, 1])
    assert tuple(data.metainfo["tasks"]) == ("scene", "depth")
    item = data[0]
    assert {key for key in item if key.startswith("gt_")} == {"gt_scene", "gt_depth"}
    np.testing.assert_array_equal(item["gt_depth"], render_room(0, 3, size=SIZE).depth)
    with pytest.raises(ValueError, match=r"unknown task 'edges'.*semantic, depth, normals, scene"):
        RoomsDataset(4, tasks=["edges"])


def test_rooms_can_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dict(length=3, size=(24, 32), pipeline=[dict(type="PackMultiTask")])
    fresh, kept = RoomsDataset(**settings), RoomsDataset(**settings, resident=True)
    wanted = [item["inputs"] for item in fresh]
    monkeypatch.setattr(rooms, "render_room", None)  # each was rendered once
    for _ in range(2):
        assert all(torch.equal(kept[i]["inputs"], wanted[i]) for i in range(3))
