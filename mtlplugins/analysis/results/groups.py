"""Runs of one experiment that differ in their seed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, stdev
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import METRICS, MODELS

from mtlplugins.analysis.complexity import count_parameters

from .runs import Run

#: Keys that say where and how a run is made, wherever they stand, but not what is learned.
_FREE = {"data_root", "work_dir", "num_workers", "persistent_workers", "pin_memory"}
#: The same, of the top level.
_FREE_TOP = {
    "default_hooks", "env_cfg", "experiment", "launcher", "log_level", "log_processor", "resume",
    "vis_backends", "visualizer",
}  # fmt: skip


class Spread(NamedTuple):
    """Mean and sample standard deviation of n runs; the latter None of a single one."""

    mean: float
    std: float | None
    n: int


@dataclass
class Group:
    """The runs of one experiment.

    Attributes:
        label: How the tables call it.
        runs: Its runs, incomplete ones too.
        note: What sets it apart from another group of the same name, and seeds that come more than
            once; empty where there is nothing of it.
    """

    label: str
    runs: list[Run] = field(default_factory=list)
    note: str = ""

    @property
    def config(self) -> Config:
        """The config of its runs, which is the same but for seed and folders."""
        return self.runs[0].config

    @property
    def complete(self) -> list[Run]:
        """The runs that are averaged."""
        return [run for run in self.runs if run.complete]

    @property
    def published(self) -> dict[str, float]:
        """The paper's figures, by metric."""
        return dict(self.runs[0].experiment.get("published") or {})

    def spread(self, values: Callable[[Run], float | None]) -> Spread | None:
        """Average something over the complete runs that have it; None where none has."""
        found = [v for v in map(values, self.complete) if v is not None]
        if not found:
            return None
        return Spread(fmean(found), stdev(found) if len(found) > 1 else None, len(found))

    @cached_property
    def parameters(self) -> dict[str, int]:
        """``params`` and ``trainable`` of the model; empty where it cannot be built here."""
        init_default_scope("mmseg")
        try:
            return count_parameters(MODELS.build(self.config.model).train())
        except Exception as error:  # whatever a model raises must not cost the scores
            print(f"{self.label}: parameters not counted, {type(error).__name__}: {error}")
            return {}

    @cached_property
    def higher_is_better(self) -> dict[str, bool]:
        """The direction of the metrics that declare one, by ``<task>/<metric>``."""
        init_default_scope("mmseg")
        evaluators = self.config.get("val_evaluator") or []
        evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
        found = {}
        for evaluator in evaluators:
            try:
                metric = METRICS.build(evaluator)
            except Exception as error:  # a metric that is not installed must not cost the scores
                print(f"{self.label}: {type(error).__name__}: {error}")
                continue
            for name, higher in getattr(metric, "higher_is_better", {}).items():
                found[f"{metric.prefix}/{name}"] = higher
        return found


def group_runs(runs: Iterable[Run], *, table: str | None = None) -> list[Group]:
    """Put together the runs of the same name and, but for seed and folders, the same config.

    Args:
        runs: In the order that the tables are to have; a work dir that comes twice counts once.
        table: A table of a paper; runs with a row in it (``experiment.rows``) are called by that.

    Returns:
        Groups by first run. Of groups with one name, the later ones say in ``label`` that they are
        another variant and in ``note`` where their configs differ.
    """
    unique = {run.work_dir.resolve(): run for run in runs}
    by_name: dict[str, dict[str, Group]] = defaultdict(dict)
    order: list[Group] = []
    for run in unique.values():
        label = (run.experiment.get("rows") or {}).get(table) or run.name
        variants = by_name[label]
        key = json.dumps(_essence(run.config.to_dict()), sort_keys=True, default=str)
        if key not in variants:
            variants[key] = Group(label)
            order.append(variants[key])
            if len(variants) > 1:
                first = next(iter(variants.values()))
                variants[key].label = f"{label} (variant {len(variants)})"
                variants[key].note = difference(first.config, run.config)
        variants[key].runs.append(run)
    for group in order:
        repeated = [s for s, n in Counter(r.seed for r in group.complete).items() if n > 1]
        if repeated:
            seeds = ", ".join(map(str, repeated))
            hint = f"several runs of seed {seeds}: the spread is smaller than between seeds"
            group.note = "; ".join(filter(None, (group.note, hint)))
    return order


def _essence(node: Any, depth: int = 0) -> Any:
    """What is left of a config without the keys that do not say what is learned."""
    if isinstance(node, dict):
        free = _FREE | _FREE_TOP if depth == 0 else _FREE
        kept = {str(k): _essence(v, depth + 1) for k, v in node.items() if k not in free}
        if depth == 0 and isinstance(kept.get("randomness"), dict):
            kept["randomness"].pop("seed", None)
        return kept
    if isinstance(node, (list, tuple)):
        return [_essence(child, depth + 1) for child in node]
    return node


def difference(first: Config, second: Config, shown: int = 4) -> str:
    """Say in which keys two configs would learn differently; empty where in none."""
    one, two = (dict(_leaves(_essence(config.to_dict()))) for config in (first, second))
    keys = [key for key in [*one, *two] if one.get(key) != two.get(key)]
    keys = list(dict.fromkeys(keys))
    parts = [f"{key} {two.get(key)!r} instead of {one.get(key)!r}" for key in keys[:shown]]
    more = [f"{len(keys) - shown} more"] if len(keys) > shown else []
    return ", ".join([*parts, *more])


def _leaves(node: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for index, child in enumerate(node):
            yield from _leaves(child, f"{path}.{index}")
    else:
        yield path, node
