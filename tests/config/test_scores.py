"""Scores that a config watches are known before training, and compared the right way round."""

from __future__ import annotations

from typing import Any

import pytest
from mmengine.config import Config
from mmengine.hooks import EarlyStoppingHook

import mtlplugins  # noqa: F401, registers
from mtlplugins.config.scores import check_scores

DEPTH = dict(type="MultiTaskDepthMetric", task="topology")
IOU = dict(type="MultiTaskIoUMetric", task="semantic")


def config(**parts: Any) -> Config:
    return Config(dict(val_evaluator=[DEPTH, IOU]) | parts)


def saving(**settings: Any) -> Config:
    return config(default_hooks=dict(checkpoint=settings))


def test_the_metric_says_which_error_is_the_best() -> None:
    """MMEngine finds "top" in the name of the task, and would keep the largest error."""
    assert EarlyStoppingHook(monitor="topology/rmse").rule == "greater"
    cfg = saving(save_best="topology/rmse")
    check_scores(cfg)
    assert cfg.default_hooks.checkpoint.rule == "less"
    cfg = saving(save_best=["topology/d1", "topology/silog", "semantic/mIoU"])
    check_scores(cfg)
    assert cfg.default_hooks.checkpoint.rule == ["greater", "less", "greater"]


def test_without_scores_nothing_is_set() -> None:
    for cfg in (saving(interval=1), saving(save_best="auto"), config(val_evaluator=None)):
        before = cfg.pretty_text
        check_scores(cfg)
        assert cfg.pretty_text == before


def test_early_stopping_gets_its_rule_and_refuses_what_is_no_score() -> None:
    def stopping(**settings: Any) -> Config:
        return config(custom_hooks=[dict(type="EarlyStoppingHook", **settings)])

    cfg = stopping(monitor="topology/abs_rel")
    check_scores(cfg)
    assert cfg.custom_hooks[0].rule == "less"
    with pytest.raises(ValueError, match=r"custom_hooks\.0\.monitor='loss' is no score of val_eva"):
        check_scores(stopping(monitor="loss"))
    with pytest.raises(ValueError, match=r"custom_hooks\.0\.rule='greater' .* give 'less'"):
        check_scores(stopping(monitor="topology/abs_rel", rule="greater"))


@pytest.mark.parametrize("several", [False, True])
def test_a_plateau_of_a_score_that_rises(several: bool) -> None:
    """The rule's default is 'less', by which a rate falls when the model becomes better."""
    schedule: Any = [dict(type="ReduceOnPlateauLR", monitor="semantic/mIoU")]
    cfg = config(param_scheduler=dict(encoder=schedule) if several else schedule)
    check_scores(cfg)
    found = cfg.param_scheduler.encoder if several else cfg.param_scheduler
    assert found[0].rule == "greater"
    schedule[0]["monitor"] = "semantic/miou"
    with pytest.raises(ValueError, match=r"'semantic/miou' is no score.*mean semantic/mIoU"):
        check_scores(config(param_scheduler=schedule))
