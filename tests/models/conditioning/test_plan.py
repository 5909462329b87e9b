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


def test_the_old_name_of_norm():
    old, new = (ConditioningPlan.from_config({k: "all"}, DEPTHS) for k in ("layer_norm", "norm"))
    assert old == new
    with pytest.raises(ValueError, match=r"plan\.layer_norm is the old name of plan\.norm.*both"):
        ConditioningPlan.from_config(dict(layer_norm="all", norm=(0, 0, 1, 1)), DEPTHS)


def test_settings_of_a_module():
    plan = ConditioningPlan.from_config(
        dict(adapter=dict(blocks=(0, 0, 1, 0), bottleneck=3)), DEPTHS
    )
    assert plan.modules_of(stage=2, block=17, depth=18) == dict(adapter=dict(bottleneck=3))
    assert plan.modules_of(stage=2, block=16, depth=18) == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (dict(bottleneck=3), r"plan\.adapter=.*give 'all', None or one number"),
        (
            dict(blocks="all", rank=3),
            r"plan\.adapter: unknown setting 'rank'; known settings: blocks, bottleneck",
        ),
        (dict(blocks="all", bottleneck=0), r"plan\.adapter\.bottleneck=0: must be at least 1"),
    ],
)
def test_errors_of_settings(value: dict, message: str):
    with pytest.raises(ValueError, match=message):
        ConditioningPlan.from_config(dict(adapter=value), DEPTHS)
