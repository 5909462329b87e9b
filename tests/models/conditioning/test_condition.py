from __future__ import annotations

import pytest
import torch

from mtlplugins.models.conditioning import TaskEmbedding
from tests.models._models import make_condition


def test_branch_and_per_row():
    condition = make_condition({0: [0, 2], 1: [1]})
    x = torch.tensor([[10.0], [11.0], [12.0]])
    assert condition.branch(x).tolist() == [[10], [12], [11]]
    assert condition.per_row(torch.tensor([5, 6])).tolist() == [5, 5, 6]


@pytest.mark.parametrize("rows", [{0: [0, 1], 1: [0, 1]}, {0: [0, 1, 2], 1: [1]}, {3: [0, 1]}])
def test_bias_of_a_row_is_its_task_s(rows: dict):
    condition = make_condition(rows)
    tasks = condition.task_index.tolist()
    x = torch.randn(len(tasks), 3, 2, 4, 4)
    bias = torch.randn(len(rows), 1, 2, 4, 4)
    wanted = torch.stack([x[row] + bias[task] for row, task in enumerate(tasks)])
    grouped, per_task = condition.pair(x, bias)
    torch.testing.assert_close((grouped + per_task).view_as(x), wanted)


def test_values_of_tasks_are_copied_only_where_counts_differ():
    bias = torch.randn(2, 1, 4)
    x = torch.randn(4, 3, 4)
    grouped, per_task = make_condition({0: [0, 1], 1: [0, 1]}).pair(x, bias)
    assert per_task.data_ptr() == bias.data_ptr()
    assert grouped.data_ptr() == x.data_ptr()
    _, copied = make_condition({0: [0, 1], 1: [0]}).pair(x[:3], bias)
    assert copied.shape == (3, 1, 4)


def test_task_embedding():
    torch.manual_seed(0)
    embedding = TaskEmbedding(("semantic", "depth", "scene"), 2000)
    vectors = torch.stack([embedding[task] for task in embedding.tasks])
    assert vectors.std().item() == pytest.approx(0.02, rel=0.05)
    assert vectors.mean().item() == pytest.approx(0, abs=0.002)
    z = embedding(("scene", "semantic"))
    assert torch.equal(z, vectors[[2, 0]])


def test_global_embedding_is_added_to_every_task_s():
    embedding = TaskEmbedding(("semantic", "depth"), 3, with_global=True)
    with torch.no_grad():
        embedding.shared.copy_(torch.tensor([1.0, 2, 3]))
        embedding.vectors["depth"].copy_(torch.tensor([0.5, 0, -1]))
    assert embedding(("depth",)).tolist() == [[1.5, 2, 2]]


@pytest.mark.parametrize("with_global", [False, True])
def test_a_new_task_starts_from_what_the_checkpoint_knows(with_global: bool):
    old = TaskEmbedding(("semantic", "depth"), 4, with_global=with_global)
    new = TaskEmbedding(("depth", "normals", "semantic"), 4, with_global=with_global)
    state = old.state_dict()
    new.load_state_dict(state)
    assert "vectors.normals" not in state  # what the caller gave stays as it was
    for task in ("semantic", "depth"):
        assert torch.equal(new[task], old[task])
    start = old.shared if with_global else (old["semantic"] + old["depth"]) / 2
    torch.testing.assert_close(new["normals"], start)


@pytest.mark.parametrize("with_global", [False, True])
def test_a_checkpoint_of_the_other_kind_keeps_every_z(with_global: bool):
    old = TaskEmbedding(("semantic", "depth"), 4, with_global=not with_global)
    new = TaskEmbedding(("semantic", "depth", "normals"), 4, with_global=with_global)
    new.load_state_dict(old.state_dict())
    for task in ("semantic", "depth"):
        torch.testing.assert_close(new[task], old[task])
    torch.testing.assert_close(new["normals"], (old["semantic"] + old["depth"]) / 2)
