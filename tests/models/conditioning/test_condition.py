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
    torch.testing.assert_close(condition.add_per_task(x, bias), wanted)


def test_equal_counts_give_the_same_as_unequal_ones():
    bias = torch.randn(2, 1, 2, 4, 4)
    x = torch.randn(4, 3, 2, 4, 4)
    equal = make_condition({0: [0, 1], 1: [0, 1]}).add_per_task(x, bias)
    unequal = make_condition({0: [0, 1], 1: [0]}).add_per_task(x[:3], bias)
    torch.testing.assert_close(equal[:3], unequal)


def test_task_embedding():
    torch.manual_seed(0)
    embedding = TaskEmbedding(("semantic", "depth", "scene"), 2000)
    assert embedding.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert embedding.weight.mean().item() == pytest.approx(0, abs=0.002)
    z = embedding(("scene", "semantic"))
    assert torch.equal(z, embedding.weight[[2, 0]])
