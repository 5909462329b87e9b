"""Properties of plans, against blocks listed one by one; invalid plans are refused."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mtlplugins.models.conditioning import ConditioningPlan
from tests.faults.properties._examples import examples
from tests.faults.properties._plans import MODULES, depths_of, last_blocks, plans_for

pytestmark = pytest.mark.faults


@examples(200)
@given(st.data())
def test_the_last_blocks_of_each_stage(data: st.DataObject) -> None:
    depths = data.draw(depths_of())
    asked = data.draw(plans_for(depths))
    plan = ConditioningPlan.from_config(asked, depths)
    carried = {
        (stage, block, module)
        for stage, depth in enumerate(depths)
        for block in range(depth)
        for module in plan.modules_of(stage=stage, block=block, depth=depth)
    }
    wanted = {
        (stage, block, module)
        for module in MODULES
        for stage, blocks in enumerate(last_blocks(asked.get(module), depths))
        for block in blocks
    }
    assert carried == wanted
    assert plan.conditions == bool(wanted)
    for stage, module in product(range(len(depths)), MODULES):
        for block in range(depths[stage]):
            said = plan.carries(module, stage=stage, block=block, depth=depths[stage])
            assert said == ((stage, block, module) in wanted)
    assert plan.frozen == asked.get("frozen", False)
    assert plan.embed_dims == asked.get("embed_dims", 384)


words = st.one_of(
    st.text(max_size=5), st.floats(), st.booleans(), st.just({}), st.integers(),
    st.lists(st.text(max_size=2), min_size=1, max_size=3),
)  # fmt: skip
WRONG = dict(
    embed_dims=st.one_of(st.integers(-9, 0), st.floats(), st.booleans(), st.none(), st.text()),
    frozen=st.one_of(st.none(), st.text(), st.integers(2), st.lists(st.integers())),
    norm_from_scratch=st.one_of(st.none(), st.text(), st.integers(2), st.lists(st.integers())),
)


@examples(300)
@given(st.data())
def test_what_is_no_plan_names_the_field(data: st.DataObject) -> None:
    depths = data.draw(depths_of())
    plan = data.draw(plans_for(depths))
    field = data.draw(st.sampled_from((*MODULES, *WRONG)))
    if field in WRONG:
        value = data.draw(WRONG[field])
    else:
        counts = st.lists(st.integers(-2, 8), max_size=6)
        value = data.draw(st.one_of(words, counts, counts.map(tuple)))
        numbers = isinstance(value, (list, tuple)) and all(isinstance(v, int) for v in value)
        fits = numbers and len(value) == len(depths)
        assume(value != "all")
        assume(not (fits and all(0 <= v <= d for v, d in zip(value, depths, strict=True))))
    with pytest.raises(ValueError, match=rf"plan\.{field}="):
        ConditioningPlan.from_config(plan | {field: value}, depths)


@examples(100)
@given(st.data(), st.text(min_size=1, max_size=12))
def test_unknown_keys_are_named(data: st.DataObject, key: str) -> None:
    depths = data.draw(depths_of())
    plan = data.draw(plans_for(depths))
    assume(key not in (*MODULES, *WRONG))
    with pytest.raises(ValueError, match="plan: unknown key") as caught:
        ConditioningPlan.from_config(plan | {key: 1}, depths)
    assert repr(key) in str(caught.value)


@examples(60)
@given(st.data())
def test_norms_from_scratch_need_a_conditional_norm(data: st.DataObject) -> None:
    depths = data.draw(depths_of())
    plan = data.draw(plans_for(depths)) | dict(norm_from_scratch=True)
    if any(map(len, last_blocks(plan.get("norm"), depths))):
        assert ConditioningPlan.from_config(plan, depths).norm_from_scratch
    else:
        with pytest.raises(ValueError, match=r"plan\.norm_from_scratch=True, but no block"):
            ConditioningPlan.from_config(plan, depths)
