"""Default hooks by name, and the page that lists them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mmengine.hooks import EMAHook
from mmseg.registry import HOOKS

from mtlplugins.engine import NonFiniteHook, StepSeedHook
from mtlplugins.engine.default_hooks import DEFAULT_HOOKS, MMENGINE_NAMES, merge_hooks

PAGE = Path(__file__).parents[2] / "docs/runner.md"
#: What configs from before the runner listed.
OLD = [
    dict(type=name)
    for name in ("CheckResumeHook", "CheckTasksHook", "StepSeedHook", "KeepMemoryHook")
]


def kinds(hooks: Any) -> dict[str, str]:
    return {name: hook["type"] for name, hook in hooks.items()}


def test_a_config_that_says_nothing_has_all() -> None:
    merged, custom = merge_hooks(None, None)
    assert merged == DEFAULT_HOOKS
    assert custom == []
    merged["checkpoint"]["interval"] = 7
    assert DEFAULT_HOOKS["checkpoint"]["interval"] == 1


def test_all_defaults_are_there_and_mmengines_are_its_own() -> None:
    for name, hook in DEFAULT_HOOKS.items():
        built = HOOKS.build(dict(hook))
        assert (type(built).__module__.split(".")[0] == "mmengine") == (
            name in MMENGINE_NAMES and name not in ("checkpoint", "runtime_info")
        )


def test_an_entry_changes_one_and_none_switches_it_off() -> None:
    own = dict(
        checkpoint=dict(save_best="depth/d1"),
        nonfinite=dict(action="skip"),
        step_seed=None,
        timer=None,
        visualization=dict(type="SegVisualizationHook", interval=3),
        mine=dict(type="EMAHook"),
        none_of_ours=None,
    )
    merged, _ = merge_hooks(own, [])
    assert merged["checkpoint"] == dict(
        type="SafeCheckpointHook", interval=1, max_keep_ckpts=2, save_best="depth/d1"
    )
    assert merged["nonfinite"] == dict(type="NonFiniteHook", action="skip")
    assert "step_seed" not in merged
    assert merged["timer"] is None  # MMEngine's way
    assert merged["visualization"] == dict(type="SegVisualizationHook", interval=3)
    assert merged["mine"] == dict(type="EMAHook")
    assert "none_of_ours" not in merged


def test_mmengines_checkpoints_become_safe_ones() -> None:
    """As ``mmseg::_base_/schedules`` has them; one that is another class stays."""
    saving = dict(type="CheckpointHook", by_epoch=False, interval=2000)
    assert merge_hooks(dict(checkpoint=saving), None)[0]["checkpoint"] == dict(
        type="SafeCheckpointHook", by_epoch=False, interval=2000
    )
    assert saving["type"] == "CheckpointHook"


def test_what_old_configs_list_runs_once() -> None:
    ema = dict(type="EMAHook")
    merged, custom = merge_hooks(None, [*OLD, ema, dict(type="NonFiniteHook", action="skip")])
    assert custom == [ema]
    assert kinds(merged) == kinds(DEFAULT_HOOKS)
    assert merged["nonfinite"]["action"] == "skip"
    merged, custom = merge_hooks(dict(seed=dict(type="StepSeedHook")), [])
    assert kinds(merged) == kinds(DEFAULT_HOOKS)


def test_built_hooks_are_taken_as_they_are() -> None:
    guard, ema, seed = NonFiniteHook(), EMAHook(), StepSeedHook()
    merged, custom = merge_hooks(dict(nonfinite=guard), [ema, seed])
    assert merged["nonfinite"] is guard
    assert merged["step_seed"] is seed
    assert custom == [ema]


def test_a_misnamed_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"default_hooks.nonfinit: no default has this name"):
        merge_hooks(dict(nonfinit=dict(action="skip")), None)


def test_the_page_lists_every_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)(?:\((.*?)\))?` \|", PAGE.read_text(), flags=re.M)
    listed = {
        name: dict(type=kind, **(eval(f"dict({settings})") if settings else {}))
        for name, kind, settings in rows
    }
    assert listed == DEFAULT_HOOKS
    assert list(listed) == list(DEFAULT_HOOKS)


def test_in_a_loop_over_iterations_hooks_count_those() -> None:
    """It has one epoch: checkpoints would come at the end alone, and all scores at step 0."""
    loop = dict(type="IterBasedTrainLoop", max_iters=100, val_interval=20)
    merged, _ = merge_hooks(dict(checkpoint=dict(max_keep_ckpts=1)), None, loop)
    saving = merged["checkpoint"]
    assert (saving["by_epoch"], saving["interval"], saving["max_keep_ckpts"]) == (False, 20, 1)
    assert merged["logger"]["log_metric_by_epoch"] is False
    merged, _ = merge_hooks(dict(checkpoint=dict(interval=7)), None, dict(by_epoch=False))
    assert (merged["checkpoint"]["by_epoch"], merged["checkpoint"]["interval"]) == (False, 7)
    with pytest.raises(ValueError, match=r"checkpoint\.by_epoch=True: a loop over iterations"):
        merge_hooks(dict(checkpoint=dict(by_epoch=True)), None, loop)
    assert merge_hooks(None, None, dict(by_epoch=True))[0] == DEFAULT_HOOKS
