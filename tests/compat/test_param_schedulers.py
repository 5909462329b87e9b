"""Every schedule keeps the ratios that ``paramwise_cfg`` sets; the values of a group of ratio 1 are
those of MMEngine, by a closed form.
"""

from __future__ import annotations

from math import cos, pi

import mmpretrain.engine  # noqa: F401, registers
import mmseg.engine  # noqa: F401
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

import mtlplugins  # noqa: F401, applies the workarounds

BASE, STEPS = 0.02, 12
SCHEDULES = [
    dict(type="OneCycleLR", eta_max=0.5, total_steps=STEPS, pct_start=0.4),
    dict(type="OneCycleLR", eta_max=0.5, total_steps=STEPS, three_phase=True),
    dict(type="CosineAnnealingLR", T_max=STEPS, eta_min=0.01),
    dict(type="CosineAnnealingLR", T_max=5, eta_min_ratio=0.1),
    dict(type="CosineRestartLR", periods=[4, 8], restart_weights=[1, 1], eta_min=0.015),
    dict(type="PolyLR", eta_min=0.01, power=0.9, end=STEPS),
    dict(type="mmseg.PolyLRRatio", eta_min_ratio=0.1, power=0.9, end=STEPS),
    dict(type="LinearLR", start_factor=0.1, end=5),
    dict(type="ConstantLR", factor=0.3, end=4),
    dict(type="ExponentialLR", gamma=0.9),
    dict(type="StepLR", step_size=3),
    dict(type="MultiStepLR", milestones=[2, 7]),
]


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.neck, self.head = (nn.Linear(2, 2) for _ in range(3))


def wrapper(**keys: float):
    mults = {part: dict(lr_mult=mult) for part, mult in keys.items()}
    paramwise = dict(custom_keys=mults, bias_lr_mult=2.0) if keys else None
    return build_optim_wrapper(
        Parts(),
        dict(optimizer=dict(type="AdamW", lr=BASE, weight_decay=0.1), paramwise_cfg=paramwise),
    )


def rates(optim_wrapper, schedules: list[dict], steps: int = STEPS) -> list[list[float]]:
    schedulers = [
        PARAM_SCHEDULERS.build(dict(s, optimizer=optim_wrapper, by_epoch=False)) for s in schedules
    ]
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in optim_wrapper.optimizer.param_groups])
        optim_wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return seen


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s["type"])
@pytest.mark.parametrize("warm_up", [False, True])
def test_ratios_are_kept_and_the_base_is_that_of_no_ratios(schedule: dict, warm_up: bool):
    warm = [dict(type="LinearLR", start_factor=0.2, end=3)] if warm_up else []
    if warm_up and schedule["type"] == "OneCycleLR":
        warm = []  # not chainable
    plain = rates(wrapper(), [*warm, schedule])
    apart = wrapper(backbone=0.1, neck=0.0)
    # weights and biases of backbone (0.1; custom keys win over bias_lr_mult), neck, head
    expected = [0.1, 0.1, 0, 0, 1, 2]
    for base, own in zip(plain, rates(apart, [*warm, schedule]), strict=True):
        assert own == pytest.approx([base[0] * ratio for ratio in expected], rel=1e-9, abs=0)


def test_one_cycle_peaks_at_the_multiple_of_eta_max():
    own = rates(wrapper(backbone=0.1), [SCHEDULES[0]])
    assert max(row[0] for row in own) == pytest.approx(0.05, rel=0.02)
    assert own[0][0] == pytest.approx(0.05 / 25)


def test_the_least_rate_of_a_cosine_is_the_groups_share_of_it():
    own = rates(wrapper(backbone=0.1), [dict(type="CosineAnnealingLR", T_max=10, eta_min=0.01)], 11)
    closed = [0.01 + 0.01 / 2 * (1 + cos(pi * step / 10)) for step in range(11)]
    assert [row[0] for row in own] == pytest.approx([0.1 * rate for rate in closed])


def test_rates_given_for_each_group_stay():
    optim_wrapper = wrapper(backbone=0.1)
    peaks = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0]  # the last is the base's
    schedule = dict(type="OneCycleLR", eta_max=peaks, total_steps=STEPS)
    assert rates(optim_wrapper, [schedule])[0] == pytest.approx([p / 25 for p in peaks[:-1]])


def test_reduce_on_plateau_keeps_ratios_down_to_the_least_rate():
    optim_wrapper = wrapper(backbone=1e-3, neck=0.0)
    scheduler = PARAM_SCHEDULERS.build(
        dict(
            type="ReduceOnPlateauLR",
            optimizer=optim_wrapper,
            monitor="loss",
            patience=0,
            factor=0.5,
            min_value=1e-3,
        )
    )
    for _ in range(8):
        scheduler.step(dict(loss=1.0))
    found = [group["lr"] for group in optim_wrapper.optimizer.param_groups]
    assert found == pytest.approx([1e-6, 1e-6, 0, 0, 1e-3, 2e-3])


def test_parts_without_weight_decay_stay_without():
    optim_wrapper = build_optim_wrapper(
        Parts(),
        dict(
            optimizer=dict(type="AdamW", lr=BASE, weight_decay=0.1),
            paramwise_cfg=dict(bias_decay_mult=0.0, custom_keys=dict(neck=dict(decay_mult=0.5))),
        ),
    )
    schedule = dict(type="mmpretrain.CosineAnnealingWeightDecay", T_max=4, eta_min=0.2)
    scheduler = PARAM_SCHEDULERS.build(dict(schedule, optimizer=optim_wrapper, by_epoch=False))
    for _ in range(4):
        scheduler.step()
    found = [group["weight_decay"] for group in optim_wrapper.optimizer.param_groups]
    assert found == pytest.approx([0.2, 0, 0.1, 0.1, 0.2, 0])


@pytest.mark.parametrize("optimizer", ["AdamW", "SGD"])
def test_a_part_of_rate_0_does_not_move(optimizer: str):
    model = Parts()
    optim_wrapper = build_optim_wrapper(
        model,
        dict(
            optimizer=dict(type=optimizer, lr=BASE, weight_decay=0.1),
            paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0))),
        ),
    )
    before = [p.detach().clone() for p in model.backbone.parameters()]
    scheduler = PARAM_SCHEDULERS.build(dict(SCHEDULES[0], optimizer=optim_wrapper, by_epoch=False))
    for _ in range(STEPS - 1):
        outputs = model.head(model.backbone(torch.ones(1, 2)))
        optim_wrapper.update_params(outputs.square().sum())
        scheduler.step()
    assert all(map(torch.equal, before, model.backbone.parameters()))
    assert any(p.abs().sum() for p in model.head.parameters())


def test_a_resumed_schedule_continues_as_the_unbroken_one():
    schedule = dict(SCHEDULES[0], by_epoch=False)
    unbroken = rates(wrapper(backbone=0.1), [SCHEDULES[0]])
    first = wrapper(backbone=0.1)
    scheduler = PARAM_SCHEDULERS.build(dict(schedule, optimizer=first))
    for _ in range(5):
        first.optimizer.step()
        scheduler.step()
    again = wrapper(backbone=0.1)
    resumed = PARAM_SCHEDULERS.build(dict(schedule, optimizer=again))
    again.load_state_dict(first.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    for step in range(5, STEPS):
        assert [group["lr"] for group in again.optimizer.param_groups] == unbroken[step]
        again.optimizer.step()
        resumed.step()


@pytest.mark.parametrize("parts", [{}, dict(backbone=0.1)])
@pytest.mark.parametrize("schedule", SCHEDULES[:4], ids=lambda s: s["type"])
def test_a_scaled_rate_scales_the_whole_schedule(schedule: dict, parts: dict):
    """``auto_scale_lr`` multiplies the rates of the groups before the schedules are built."""
    scaled = wrapper(**parts)
    for group in scaled.optimizer.param_groups:
        group["lr"] *= 0.25
    for own, before in zip(
        rates(scaled, [schedule]), rates(wrapper(**parts), [schedule]), strict=True
    ):
        assert own == pytest.approx([0.25 * rate for rate in before], rel=1e-9)
