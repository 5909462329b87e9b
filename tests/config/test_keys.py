"""Keys of ``paramwise_cfg`` that the chosen constructor would not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.apis import load_config

ROOMS = str(Path(__file__).parents[2] / "configs/rooms/swin_cond_rooms.py")
MMPRETRAIN = "mmpretrain.LearningRateDecayOptimWrapperConstructor"
MMSEG = "LearningRateDecayOptimizerConstructor"


@pytest.mark.parametrize(
    ("constructor", "paramwise"),
    [
        (MMPRETRAIN, dict(layer_decay_rate=0.9, norm_decay_mult=0.0)),
        (MMSEG, dict(decay_rate=0.9, num_layers=12, decay_type="layer_wise")),
        ("ConstructorOfMine", dict(anything=1)),
    ],
)
def test_keys_that_the_constructor_reads_pass(constructor: str, paramwise: dict) -> None:
    options = {"optim_wrapper.constructor": constructor, "optim_wrapper.paramwise_cfg": paramwise}
    assert dict(load_config(ROOMS, options).optim_wrapper.paramwise_cfg) == paramwise


@pytest.mark.parametrize(
    ("constructor", "paramwise", "message"),
    [
        (MMPRETRAIN, dict(decay_rate=0.9), "'decay_rate'; did you mean 'layer_decay_rate'"),
        (MMSEG, dict(layer_decay_rate=0.9), "'layer_decay_rate'; did you mean 'decay_rate'"),
        (None, dict(layer_decay_rate=0.9), "unknown key 'layer_decay_rate'"),
        (
            MMPRETRAIN,
            dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
            r"custom_keys\.backbone\.lr_mult has no effect with LearningRateDecayOptimWrapper",
        ),
    ],
)
def test_keys_that_it_would_not_read_are_refused(constructor, paramwise, message) -> None:
    options = {"optim_wrapper.constructor": constructor, "optim_wrapper.paramwise_cfg": paramwise}
    with pytest.raises(ValueError, match=message):
        load_config(ROOMS, {key: value for key, value in options.items() if value})
