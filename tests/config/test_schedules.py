"""Schedules move, and end with the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

import mtlplugins
from mtlplugins.apis import load_config
from mtlplugins.config.schedules import check_schedules

CONFIGS = Path(mtlplugins.__file__).parents[1] / "configs"
BY_EPOCH = dict(type="EpochBasedTrainLoop", max_epochs=12)
BY_ITERATION = dict(type="IterBasedTrainLoop", max_iters=12)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    for module in ("schedules", "unused"):
        monkeypatch.setattr(
            f"mtlplugins.config.{module}.print_log", lambda text, **_: found.append(text)
        )
    return found


def config(loop: dict, *schedules: dict, **parts: Any) -> Config:
    return Config(dict(train_cfg=loop, param_scheduler=[*schedules]) | parts)


def test_a_schedule_over_epochs_would_stand_still_in_a_loop_over_iterations() -> None:
    schedule = dict(type="PolyLR", power=0.9, end=12)
    check_schedules(config(BY_EPOCH, schedule))
    for loop in (BY_ITERATION, dict(by_epoch=False, max_iters=12)):
        check_schedules(config(loop, dict(schedule, by_epoch=False)))
        check_schedules(config(loop, dict(type="ReduceOnPlateauLR", monitor="depth/rmse")))
        check_schedules(config(loop, dict(type="LinearLR", end=1, convert_to_iter_based=True)))
        for wrong in (schedule, dict(schedule, convert_to_iter_based=True)):
            with pytest.raises(ValueError, match=r"param_scheduler\.0: PolyLR counts epochs"):
                check_schedules(config(loop, wrong))


def test_what_ends_before_or_after_the_training_is_said(said: list[str]) -> None:
    check_schedules(config(BY_EPOCH, dict(type="PolyLR", end=12)))
    check_schedules(config(BY_EPOCH, dict(type="CosineAnnealingLR", begin=2, T_max=10)))
    check_schedules(config(BY_EPOCH, dict(type="LinearLR", end=3)))  # a warm-up
    check_schedules(config(BY_EPOCH, dict(type="PolyLR")))  # MMEngine ends it with the training
    for then in (dict(type="LinearLR", end=12), dict(type="LinearLR")):
        check_schedules(config(BY_EPOCH, dict(type="PolyLR", end=9), then))
    check_schedules(config(BY_EPOCH, dict(type="PolyLR", end=900, by_epoch=False)))
    assert said == []
    check_schedules(config(BY_EPOCH, dict(type="PolyLR", end=8)))
    check_schedules(config(BY_ITERATION, dict(type="CosineAnnealingLR", T_max=99, by_epoch=False)))
    assert "param_scheduler.0 ends at 8, but train_cfg.max_epochs=12: from there on it" in said[0]
    assert "ends at 99, but train_cfg.max_iters=12: the training ends before it has come" in said[1]


def test_a_one_cycle_schedule_takes_its_own_rate(said: list[str]) -> None:
    def one_cycle(rate: float) -> None:
        optimizer = dict(type="AdamW", lr=rate)
        cycle = dict(type="OneCycleLR", eta_max=4e-5, total_steps=12)
        check_schedules(config(BY_EPOCH, cycle, optim_wrapper=dict(optimizer=optimizer)))

    one_cycle(4e-5)
    assert said == []
    one_cycle(1e-3)
    assert "eta_max=4e-05" in said[0]
    assert "optim_wrapper.optimizer.lr=0.001 is used for nothing" in said[0]


def test_options_change_what_repeats_them() -> None:
    path = str(CONFIGS / "rooms/swin_cond_rooms.py")
    cfg = load_config(path)
    epochs = cfg.train_cfg.max_epochs
    cfg.param_scheduler = [
        dict(type="LinearLR", end=1),
        dict(type="CosineAnnealingLR", begin=1, T_max=epochs - 1, end=epochs),
        dict(type="OneCycleLR", eta_max=cfg.optim_wrapper.optimizer.lr, total_steps=epochs),
        dict(type="OneCycleLR", eta_max=0.5, total_steps=9 + epochs),
    ]
    changed = load_config(cfg, {"train_cfg.max_epochs": 7, "optim_wrapper.optimizer.lr": 0.25})
    warm_up, cosine, cycle, other = changed.param_scheduler
    assert (warm_up.end, cosine.T_max, cosine.end, cycle.total_steps) == (1, 6, 7, 7)
    assert (cycle.eta_max, other.eta_max, other.total_steps) == (0.25, 0.5, 9 + epochs)


def test_a_shortened_training_keeps_what_a_resumed_one_needs() -> None:
    """A PolyLR that came down in the shorter training could not be resumed for the rest."""
    cfg = load_config(str(CONFIGS / "rooms/swin_cond_rooms.py"), {"train_cfg.max_epochs": 7})
    cfg.param_scheduler = [
        dict(type="PolyLR", eta_min=0, end=7),
        dict(type="CosineAnnealingLR", T_max=7),
        dict(type="OneCycleLR", eta_max=0.5, total_steps=7),
    ]
    poly, cosine, cycle = load_config(cfg, {"train_cfg.max_epochs": 2}).param_scheduler
    assert (poly.end, cosine.T_max, cycle.total_steps) == (7, 7, 2)


@pytest.mark.slow
def test_no_shipped_config_is_warned_of(said: list[str]) -> None:
    paths = [p for p in CONFIGS.rglob("*.py") if "_base_" not in p.parts]
    assert len(paths) > 50
    for path in paths:
        load_config(str(path))
    assert said == []
