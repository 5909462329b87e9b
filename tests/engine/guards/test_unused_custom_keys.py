from __future__ import annotations

from mtlplugins.engine.guards.unused_custom_keys import unused_custom_keys

NAMES = ["backbone.stem.weight", "heads.depth.conv.bias"]


def test_keys_that_match_nothing_are_named() -> None:
    keys = dict(backbone=dict(lr_mult=0.1), encoder=dict(lr_mult=0.1), bias=dict(decay_mult=0))
    said = unused_custom_keys(dict(paramwise_cfg=dict(custom_keys=keys)), NAMES)
    assert "encoder set nothing" in said
    assert "backbone, heads" in said


def test_keys_that_match_and_none_at_all_are_silent() -> None:
    assert unused_custom_keys({}, NAMES) is None
    assert unused_custom_keys(dict(paramwise_cfg=None), NAMES) is None
    keys = dict(custom_keys={"stem": dict(lr_mult=0)})
    assert unused_custom_keys(dict(paramwise_cfg=keys), NAMES) is None
