"""Properties of encoders of any shape under any plan."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mtlplugins.models.conditioning import conditional_modules
from tests.faults.properties._encoders import Case, cases
from tests.faults.properties._examples import examples
from tests.models._models import conditional_names, perturb

pytestmark = pytest.mark.faults

KINDS = pytest.mark.parametrize("kind", ["swin", "vit", "resnet"])


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


@KINDS
@examples(25)
@given(data=st.data())
@torch.no_grad()
def test_at_first_it_computes_what_the_plain_one_does(kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(kind))
    encoder, plain = case.encoder(), case.plain()
    perturb(plain.parameters(), std=0.1)
    missing, unexpected = encoder.load_state_dict(plain.state_dict(), strict=False)
    assert unexpected == []
    assert set(missing) == conditional_names(encoder)
    x = case.images()
    wanted, found = plain(x), encoder(x, case.condition())
    assert len(found) == len(wanted)
    index = case.condition().image_index
    for i, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
        close(ours, theirs if i < encoder.shared_maps else theirs[index])


@KINDS
@examples(25)
@given(data=st.data())
@torch.no_grad()
def test_an_image_is_computed_once_up_to_the_first_conditioned_block(
    kind: str, data: st.DataObject
) -> None:
    case: Case = data.draw(cases(kind))
    encoder, computed = case.encoder(), []
    for stage in encoder._block_stages():
        for block in stage:
            block.register_forward_hook(lambda module, args, out: computed.append(len(out)))
    maps = encoder(case.images(), case.condition())
    assert encoder.branch_point == case.first
    assert (encoder.task_embed_dims is None) == (case.first is None)
    places = [(s, b) for s, depth in enumerate(case.depths) for b in range(depth)]
    shared = places.index(case.first) if case.first else len(places)
    behind = len(places) - shared
    assert computed == [case.count] * shared + [len(case.pairs)] * behind
    # a map is of rows if its stage, or the ViT's block, is behind
    out_indices = case.settings["out_indices"]
    ends = out_indices if kind == "vit" else [sum(case.depths[: i + 1]) - 1 for i in out_indices]
    wanted = [len(case.pairs) if end >= shared else case.count for end in ends]
    assert [len(m) for m in maps] == wanted
    assert encoder.shared_maps == sum(end < shared for end in ends)


@KINDS
@examples(25)
@given(data=st.data())
@torch.no_grad()
def test_a_row_depends_on_its_image_and_task_alone(kind: str, data: st.DataObject) -> None:
    """Neither on the other images, nor on the other tasks, nor on the order of either."""
    case: Case = data.draw(cases(kind))
    encoder, x = case.moved(), case.images()
    found = encoder(x, case.condition())
    for row, (task, image) in enumerate(case.pairs):
        alone = encoder(x[image : image + 1], case.condition({task: [0]}))
        for i, (together, single) in enumerate(zip(found, alone, strict=True)):
            close(together[image if i < encoder.shared_maps else row], single[0])
    order = data.draw(st.permutations(range(case.count)))
    tasks = data.draw(st.permutations(list(case.rows)))
    moved = {task: sorted(order.index(i) for i in case.rows[task]) for task in tasks}
    turned = encoder(x[order], case.condition(moved))
    rows = [(task, order[place]) for task, own in moved.items() for place in own]
    for i, (one, other) in enumerate(zip(found, turned, strict=True)):
        shared = i < encoder.shared_maps
        close(other, one[order] if shared else one[[case.pairs.index(row) for row in rows]])


@KINDS
@examples(20)
@given(data=st.data())
@torch.no_grad()
def test_folding_leaves_a_plain_encoder_of_one_task(kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(kind))
    task = data.draw(st.sampled_from([*case.rows]))
    every = {task: [*range(case.count)]}
    encoder, x = case.moved(), case.images()
    wanted = encoder(x, case.condition(every))
    encoder.fold(case.condition(every).z[0])
    assert encoder.branch_point is None
    assert conditional_modules(encoder) == []
    for one, other in zip(encoder(x), wanted, strict=True):
        close(one, other)


@KINDS
@examples(12)
@given(data=st.data())
def test_what_a_plan_freezes_stands_still(kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(kind))
    case.plan["frozen"] = True
    encoder = case.encoder().train()
    learning = {id(p) for m in conditional_modules(encoder) for p in m.parameters()}
    for blocks in encoder._block_stages():
        for block in blocks:
            if "attention" in block.carries:
                learning |= {id(p) for p in block.parameters()}
    assert {id(p) for p in encoder.parameters() if p.requires_grad} == learning
    maps = encoder(case.images(), case.condition())
    # a plain encoder, or one whose maps are all from before the branch point, has no gradient
    total = sum(m.square().sum() for m in maps)
    if total.requires_grad:
        total.backward()
    touched = {id(p) for p in encoder.parameters() if p.grad is not None}
    assert touched <= learning
    assert bool(touched) == (encoder.shared_maps < len(maps))
