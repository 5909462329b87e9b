from __future__ import annotations

import pytest

from mtlplugins.models.conditioning import ConditioningPlan

DEPTHS = (2, 2, 18, 2)


def test_an_embedding_has_a_length():
    with pytest.raises(ValueError, match=r"plan\.embed_dims=0: must be at least 1"):
        ConditioningPlan.from_config(dict(attention="all", embed_dims=0), (2, 2))


def test_counts_are_the_last_blocks_of_a_stage():
    plan = ConditioningPlan.from_config(dict(attention=(0, 0, 6, 2)), DEPTHS)
    carriers = [
        (stage, block)
        for stage, depth in enumerate(DEPTHS)
        for block in range(depth)
        if plan.carries("attention", stage=stage, block=block, depth=depth)
    ]
    assert carriers == [(2, 12), (2, 13), (2, 14), (2, 15), (2, 16), (2, 17), (3, 0), (3, 1)]
    assert plan.blocks["norm"] == plan.blocks["adapter"] == (0, 0, 0, 0)
    assert plan.conditions


@pytest.mark.parametrize(
    ("config", "conditions"),
    [({}, False), (dict(adapter=[0, 0, 0, 0], frozen=True), False), (dict(adapter="all"), True)],
)
def test_whether_any_block_is_conditioned(config: dict, conditions: bool):
    assert ConditioningPlan.from_config(config, DEPTHS).conditions is conditions


def test_all_and_none():
    plan = ConditioningPlan.from_config(dict(attention="all", adapter=None), DEPTHS)
    assert plan.blocks["attention"] == DEPTHS
    assert plan.blocks["adapter"] == (0, 0, 0, 0)
    assert plan.embed_dims == 384
    assert ConditioningPlan.from_config(None, DEPTHS) is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (dict(attention=(0, 0, 19, 2)), r"plan\.attention=.*stage 3 has 18 blocks.* 19"),
        (dict(norm=(0, -1, 0, 0)), r"plan\.norm=.*stage 2 has 2 blocks.* -1"),
        (dict(adapter=(1, 1)), r"plan\.adapter=\(1, 1\) has 2 numbers.* 4 stages"),
        (dict(attention="every"), r"plan\.attention='every': give 'all', None or one number"),
        (dict(attention=6), r"plan\.attention=6: give 'all', None or one number"),
        (dict(attention=(0, 0, 0.5, 0)), r"plan\.attention=.*give 'all', None or one number"),
        (
            dict(attention="all", norm_from_scratch=True),
            r"norm_from_scratch=True, but no block has a conditional norm: set plan\.norm",
        ),
        (
            dict(norm=(0, 0, 0, 0), norm_from_scratch=True),
            r"norm_from_scratch=True, but no block",
        ),
        (dict(atention="all"), r"plan: unknown key 'atention'; known keys: attention, norm"),
    ],
)
def test_errors(config: dict, message: str):
    with pytest.raises(ValueError, match=message):
        ConditioningPlan.from_config(config, DEPTHS)
