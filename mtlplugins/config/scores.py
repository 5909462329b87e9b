"""Scores that a config watches: each must exist, and be compared in the right direction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mmengine.config import Config
from mmengine.hooks import EarlyStoppingHook
from mmengine.optim.scheduler.param_scheduler import ReduceOnPlateauParamScheduler
from mmengine.registry import Registry
from mmseg.registry import HOOKS, METRICS, PARAM_SCHEDULERS

from mtlplugins.evaluation import TaskMetric

from .entries import class_of, listed, schedules_of


def check_scores(cfg: Config) -> None:
    """Check the scores of ``save_best``, early stopping and plateau schedules; set their rules.

    MMEngine guesses a missing rule from parts of the score's name (a task ``topology`` has "top" in
    it, so its errors would count as better where they are greater), or takes 'less'. Here the
    metric says which is better, and the rule is written into the config.

    Raises:
        ValueError: A score is none of ``val_evaluator``, or a rule takes the worse one.
    """
    saving = (cfg.get("default_hooks") or {}).get("checkpoint") or {}
    best, rules = saving.get("save_best"), saving.get("rule")
    asked = [best] if isinstance(best, str) else best or []
    # MMEngine takes one rule for all scores, also in a list
    rules = [rules] * len(asked) if rules is None or isinstance(rules, str) else rules
    if len(rules) != len(asked):
        raise ValueError(
            f"default_hooks.checkpoint.rule={rules!r}: give one of 'less' and 'greater' for each "
            f"of the {len(asked)} scores of save_best"
        )
    asked = [] if asked == ["auto"] else asked
    watching = list(_watching(cfg))
    if not (asked or watching) or not (known := _known_scores(cfg)):
        return
    if asked:
        where = "default_hooks.checkpoint"
        found = _directions(f"{where}.save_best", asked, f"{where}.rule", rules, known)
        saving["rule"] = found[0] if isinstance(best, str) else found
    for where, node in watching:
        score, rule = node.get("monitor", "loss"), node.get("rule")
        node["rule"] = _directions(f"{where}.monitor", [score], f"{where}.rule", [rule], known)[0]


def _known_scores(cfg: Config) -> dict[str, str]:
    """Return the better direction of each score; none if a metric does not declare its scores."""
    metrics = [METRICS.build(evaluator) for evaluator in listed(cfg.get("val_evaluator"))]
    if not all(isinstance(metric, TaskMetric) for metric in metrics):
        return {}
    return {
        f"{metric.prefix}/{name}": "greater" if metric.higher_is_better[name] else "less"
        for metric in metrics
        for name in metric.names
    }


def _directions(
    where: str, scores: Sequence[str], rule_key: str, rules: Sequence, known: Mapping[str, str]
) -> list[str]:
    """Return the rule of each score."""
    for score, rule in zip(scores, rules, strict=True):
        if score not in known:
            similar = get_close_matches(score, known, n=1)
            hint = f"did you mean {similar[0]}" if similar else f"there are {', '.join(known)}"
            raise ValueError(f"{where}={score!r} is no score of val_evaluator: {hint}")
        if rule not in (None, known[score]):
            raise ValueError(
                f"{rule_key}={rule!r} for {score!r}: give {known[score]!r}, which is better"
            )
    return [known[score] for score in scores]


def _watching(cfg: Config) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parts of a config that watch a score, by key."""
    hooks = {f"default_hooks.{n}": hook for n, hook in (cfg.get("default_hooks") or {}).items()}
    hooks |= {f"custom_hooks.{i}": hook for i, hook in enumerate(listed(cfg.get("custom_hooks")))}
    kinds: list[tuple[dict, Registry, type]] = [
        (hooks, HOOKS, EarlyStoppingHook),
        (schedules_of(cfg), PARAM_SCHEDULERS, ReduceOnPlateauParamScheduler),
    ]
    for entries, registry, watching in kinds:
        for where, entry in entries.items():
            if issubclass(class_of(entry, registry), watching):
                yield where, entry
