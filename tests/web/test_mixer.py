from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cosine_similarity

from mtlplugins.models.conditioning import TaskEmbedding
from mtlplugins.web.mixer import OWN, cosines, mixture_of, presets


def test_presets_of_two_tasks_are_those_of_the_thesis() -> None:
    named = presets(["semantic", "depth"])
    assert list(named) == [
        OWN, "1 semantic + 1 depth", "5 semantic + 1 depth", "10 semantic + 1 depth",
        "1 semantic + 5 depth", "1 semantic + 10 depth",
    ]  # fmt: skip
    assert named[OWN] == dict(semantic=dict(semantic=1, depth=0), depth=dict(semantic=0, depth=1))
    assert named["1 semantic + 5 depth"]["semantic"] == dict(semantic=1, depth=5)


def test_only_mixtures_are_handed_on() -> None:
    assert mixture_of(presets(["a", "b"])[OWN]) is None
    assert mixture_of({}) is None
    assert mixture_of(dict(a=dict(a=7, b=0), b=dict(a=1, b=2))) == dict(b=dict(a=1, b=2))
    assert mixture_of(dict(a=dict(a=0, b=0))) == dict(a=dict(a=0, b=0))  # refused by what mixes


@pytest.mark.parametrize("with_global", [False, True])
def test_cosines_by_hand(with_global: bool) -> None:
    torch.manual_seed(0)
    embedding = TaskEmbedding(["a", "b"], 8, with_global=with_global)
    weights = dict(a=dict(a=1, b=3), b=dict(a=0, b=2))
    z_a, z_b = embedding["a"].detach(), embedding["b"].detach()
    mixed = (z_a + 3 * z_b) / 4
    found = cosines(embedding, weights)
    want = [[cosine_similarity(z, own, dim=0) for own in (z_a, z_b)] for z in (mixed, z_b)]
    torch.testing.assert_close(found, torch.tensor(want))
    assert found[1, 1] == pytest.approx(1)
