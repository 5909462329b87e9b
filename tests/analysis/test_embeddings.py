from __future__ import annotations

import pytest
import torch

from mtlplugins.apis import cosine_similarities, mixed_embedding, sweep
from mtlplugins.models import MultiTaskModel
from mtlplugins.models.conditioning import TaskEmbedding
from tests.models._models import PLANS, images, make_model, perturb, perturb_conditioning

WEIGHTS = dict(semantic=5.0, depth=1.0)


@pytest.fixture
def model() -> MultiTaskModel:
    """Conditioned, with modules and embeddings that are no longer at their start."""
    model = make_model(PLANS["all three"]).eval()
    perturb_conditioning(model)
    perturb(model.task_embedding.parameters(), std=1.0)
    return model


def logits(model: MultiTaskModel) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        return model(images(2), mode="tensor")


def test_the_thesis_s_mixtures_for_two_tasks():
    named = ["-".join(f"{w:g}" for w in weights.values()) for weights in sweep(("a", "b"))]
    assert named == ["1-1", "5-1", "10-1", "1-5", "1-10"]


def test_mixtures_of_three_tasks():
    expected = [(1, 1, 1), (5, 1, 1), (10, 1, 1), (1, 5, 1), (1, 10, 1), (1, 1, 5), (1, 1, 10)]
    assert [tuple(weights.values()) for weights in sweep(("a", "b", "c"))] == expected


@pytest.mark.parametrize("global_embedding", [False, True])
def test_a_mixture_is_the_weighted_mean(global_embedding: bool):
    model = make_model(PLANS["attention"], global_embedding=global_embedding)
    embedding = model.task_embedding
    expected = (5 * embedding["semantic"] + embedding["depth"]) / 6
    with mixed_embedding(model, WEIGHTS):
        for task in model.tasks:
            torch.testing.assert_close(embedding[task], expected)


@pytest.mark.parametrize("weight", [1.0, 3.0, 0.1])
def test_one_task_alone_is_not_changed(model: MultiTaskModel, weight: float):
    """Weights (1, 0) give exactly the unmixed result of that task, and others another one."""
    before = logits(model)
    with mixed_embedding(model, dict(semantic=weight, depth=0.0)):
        mixed = logits(model)
    assert torch.equal(mixed["semantic"], before["semantic"])
    for task in ("depth", "scene"):
        assert not torch.allclose(mixed[task], before[task], atol=1e-3)


def test_all_tasks_get_the_mixture_and_then_their_own_again(model: MultiTaskModel):
    before = logits(model)
    own = {name: p.clone() for name, p in model.task_embedding.named_parameters()}

    def interrupted() -> None:
        with mixed_embedding(model, WEIGHTS):
            vectors = model.task_embedding(model.tasks)
            assert torch.equal(vectors, vectors[:1].expand_as(vectors))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    for name, parameter in model.task_embedding.named_parameters():
        assert torch.equal(parameter, own[name]), name
    for task, after in logits(model).items():
        assert torch.equal(after, before[task])


def test_cosines(model: MultiTaskModel):
    with torch.no_grad():
        for task, vector in dict(semantic=(3, 4), depth=(-6, -8), scene=(4, 3)).items():
            model.task_embedding.vectors[task].zero_()[:2] = torch.tensor(vector)
    expected = torch.tensor([[1, -1, 0.96], [-1, 1, -0.96], [0.96, -0.96, 1]])
    torch.testing.assert_close(cosine_similarities(model.task_embedding), expected)


def test_cosines_are_of_the_whole_embedding():
    embedding = TaskEmbedding(("semantic", "depth"), 2, with_global=True)
    with torch.no_grad():
        embedding.shared.copy_(torch.tensor([1.0, 0]))
        embedding.vectors["semantic"].copy_(torch.tensor([-1.0, 2]))  # z = (0, 2)
        embedding.vectors["depth"].copy_(torch.tensor([2.0, 4]))  # z = (3, 4)
    expected = torch.tensor([[1, 0.8], [0.8, 1]])
    torch.testing.assert_close(cosine_similarities(embedding), expected)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (dict(dept=1.0), r"unknown task 'dept'; tasks of this model: semantic, depth, scene"),
        (dict(depth=-1.0), r"weight of task 'depth' is -1\.0: give 0 or more"),
        (dict(depth=float("nan")), r"weight of task 'depth' is nan"),
        (dict(depth=0.0, scene=0.0), r"no task has a weight above 0"),
        ({}, r"no task has a weight above 0"),
    ],
)
def test_wrong_mixtures(model: MultiTaskModel, weights: dict, message: str):
    with pytest.raises(ValueError, match=message), mixed_embedding(model, weights):
        pass


def test_an_unconditioned_model():
    model = make_model()
    with pytest.raises(ValueError, match=r"not conditioned: give a config whose.*plan"):
        mixed_embedding(model, WEIGHTS).__enter__()
