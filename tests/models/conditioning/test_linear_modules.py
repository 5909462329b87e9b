"""Low rank, singular values and prompts: nine properties of each."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mtlplugins.engine.speed import CompileHook
from mtlplugins.models import MultiTaskModel, fold
from mtlplugins.models.conditioning import LowRank, Prompts, SingularScale, conditional_modules
from tests.models._encoders import ENCODERS, shaken
from tests.models._models import (
    conditional_names,
    images,
    make_condition,
    make_sample,
    perturb_conditioning,
)

CASES = [
    pytest.param(encoder, module, id=f"{encoder}, {module}")
    for encoder, modules in dict(
        Swin=("low_rank", "singular"), ViT=("low_rank", "singular", "prompts")
    ).items()
    for module in modules
]
each_case = pytest.mark.parametrize(("encoder", "module"), CASES)


def make(
    encoder: str, module: str | None, *, blocks: object = "all", **plan: object
) -> MultiTaskModel:
    """A small model; the same encoder weights whatever it carries."""
    build: Callable[[dict | None], MultiTaskModel] = ENCODERS[encoder][0]
    if module is None:
        return build(None)
    return build({module: blocks, **plan})


def loss(model: MultiTaskModel) -> torch.Tensor:
    losses = model.loss(images(2), [make_sample("semantic", "depth", "scene")] * 2)
    return sum(value for name, value in losses.items() if name.endswith("_loss"))


def with_base(encoder: str, module: str, **plan: object) -> tuple[MultiTaskModel, MultiTaskModel]:
    """The plain model with drawn weights, and a fresh conditioned one that has loaded them."""
    plain = shaken(make(encoder, None))
    model = make(encoder, module, **plan)
    missing, unused = model.load_state_dict(plain.state_dict(), strict=False)
    assert not unused
    assert all("conditional_" in name or "task_embedding" in name for name in missing)
    return plain, model.eval()


@each_case
def test_fresh_equals_plain_after_loading_its_checkpoint(encoder: str, module: str):
    plain, model = with_base(encoder, module)
    assert conditional_modules(model)
    with torch.no_grad():
        for task, wanted in plain(images(2)).items():
            torch.testing.assert_close(model(images(2))[task], wanted, rtol=1e-5, atol=1e-5)


@each_case
def test_a_step_on_a_frozen_base_moves_what_is_meant_alone(encoder: str, module: str):
    model = make(encoder, module, frozen=True).train()
    encoder_names = {n for n, p in model.backbone.named_parameters() if p.requires_grad}
    assert encoder_names == conditional_names(model.backbone) != set()
    before = {n: v.clone() for n, v in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(3):  # after two layers of zeros the embedding waits for the third
        optimizer.zero_grad()
        loss(model).backward()
        still = [n for n, p in model.named_parameters() if p.requires_grad and not p.grad.any()]
        optimizer.step()
    assert not [n for n in still if "backbone" in n or "embedding" in n]
    after = model.backbone.state_dict()
    moved = {n for n, v in after.items() if not torch.equal(v, before[f"backbone.{n}"])}
    assert moved == encoder_names


@each_case
def test_folding_is_exact_and_idempotent(encoder: str, module: str):
    _, model = with_base(encoder, module)
    perturb_conditioning(model)
    model.double()
    with torch.no_grad():
        wanted = model(images(1).double())
        for task in ("depth", "scene"):
            folded = fold(model, task)
            found = folded(images(1).double())[task]
            torch.testing.assert_close(found, wanted[task], rtol=1e-9, atol=1e-9)
            state = {n: v.clone() for n, v in folded.state_dict().items()}
            folded.backbone.fold(model.task_embedding[task])  # nothing is left to fold
            assert all(torch.equal(v, state[n]) for n, v in folded.state_dict().items())


@pytest.mark.parametrize("encoder", ["Swin", "ViT"])
def test_weight_after_folding_is_w_plus_b_diag_a(encoder: str):
    _, model = with_base(encoder, "low_rank")
    perturb_conditioning(model)
    folded = fold(model, "depth")
    z = model.task_embedding["depth"]
    blocks = [[b for s in m.backbone._block_stages() for b in s] for m in (model, folded)]
    for block, plain in zip(*blocks, strict=True):
        assert len(block.linears) == 4
        for name, low in zip(block.linears, block.conditional_low_rank, strict=True):
            scale = 1 + low.generator.weight @ z + low.generator.bias
            wanted = block.get_submodule(name).weight + low.up @ torch.diag(scale) @ low.down
            torch.testing.assert_close(plain.get_submodule(name).weight, wanted)


@pytest.mark.slow
@each_case
def test_compiled(encoder: str, module: str):
    plain = make(encoder, module, blocks=dict(Swin=(0, 1), ViT=(1,))[encoder])
    perturb_conditioning(plain)
    model = copy.deepcopy(plain)
    torch._dynamo.reset()
    runner = type("Runner", (), dict(model=model))
    CompileHook(backend="aot_eager", fullgraph=True).before_run(runner)
    found = []
    for one in (plain.double().eval(), model.double().eval()):
        with torch.no_grad():
            found.append(one(images(1).double()))
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 5, 6), (3, 2, 5, 6)])
def test_low_rank_row_by_row(shape: tuple[int, ...]):
    module = LowRank(6, 4, embed_dims=8, rank=3)
    perturb_conditioning(module)
    condition, x = make_condition({0: [0, 1], 4: [0]}), torch.randn(shape)
    with torch.no_grad():
        out = module(x, condition)
        for row, task in enumerate([0, 0, 1]):
            scale = 1 + module.generator(condition.z[task])
            wanted = x[row] @ (module.up @ torch.diag(scale) @ module.down).T
            torch.testing.assert_close(out[row], wanted)


@pytest.mark.parametrize("size", [(6, 4), (4, 6), (5, 5)])
def test_singular_values_against_numpy(size: tuple[int, int]):
    layer = nn.Linear(*size)
    module = SingularScale(*size, embed_dims=8)
    module.fit(layer)
    perturb_conditioning(module)
    condition, x = make_condition({0: [0, 1], 4: [0]}), torch.randn(3, 7, size[0])
    left, values, right = np.linalg.svd(layer.weight.detach().double().numpy(), full_matrices=False)
    with torch.no_grad():
        out = layer(x) + module(x, condition)
        for row, task in enumerate([0, 0, 1]):
            gain = 1 + module.generator(condition.z[task]).double().numpy()
            weight = torch.from_numpy(left @ np.diag(gain * values) @ right).float()
            wanted = F.linear(x[row], weight, layer.bias)
            torch.testing.assert_close(out[row], wanted, rtol=1e-4, atol=1e-5)


def test_singular_vectors_are_decomposed_once():
    layer, module = nn.Linear(6, 4), SingularScale(6, 4, embed_dims=8)
    module.fit(layer)
    with torch.no_grad():  # the same decomposition with other signs, as of another machine
        module.left.neg_()
        module.right.neg_()
    left = module.left.clone()
    module.fit(layer)
    assert torch.equal(module.left, left)
    with torch.no_grad():
        layer.weight.add_(1)
    module.fit(layer)
    torch.testing.assert_close(module.left @ module.right, layer.weight.detach())


def test_prompts_head_by_head():
    module = Prompts(6, embed_dims=8, tokens=5)
    perturb_conditioning(module)
    condition, query = make_condition({0: [0, 1], 4: [0]}), torch.randn(3, 2, 7, 3)
    with torch.no_grad():
        out = module(query, condition)
        for row, task in enumerate([0, 0, 1]):
            made = []
            for own, film in ((module.keys, module.film_keys), (module.values, module.film_values)):
                deltas = film.generator(condition.z[task])
                made.append((1 + deltas[:6]) * own + deltas[6:])
            for head in range(2):
                keys, values = (m[:, 3 * head : 3 * head + 3] for m in made)
                weights = (query[row, head] @ keys.T / 3**0.5).exp()
                wanted = weights / weights.sum(dim=1, keepdim=True) @ values
                torch.testing.assert_close(out[row, head], wanted)


@pytest.mark.parametrize(
    ("encoder", "plan", "message"),
    [
        ("Swin", dict(prompts="all"), r"plan\.prompts=.*CondSwin.*reads prompts.*CondVision"),
        ("ResNet", dict(low_rank="all"), r"plan\.low_rank=.*CondResNet.*no linear layers.*CondSw"),
        ("Swin", dict(low_rank=dict(blocks="all", rank=0)), r"plan\.low_rank\.rank=0"),
    ],
)
def test_refusals(encoder: str, plan: dict, message: str):
    with pytest.raises(ValueError, match=message):
        ENCODERS[encoder][0](plan)
