"""Groups of runs that differ in their seed alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .config_difference import config_difference, config_key
from .runs import Run


@dataclass
class Group:
    """The runs of one experiment.

    Attributes:
        label: Its name in the tables.
        runs: Its runs, incomplete ones too.
        note: What sets it apart from another group of the same name, and seeds that come more than
            once; empty where there is neither.
    """

    label: str
    runs: list[Run] = field(default_factory=list)
    note: str = ""

    @property
    def complete(self) -> list[Run]:
        """The runs that are averaged."""
        return [run for run in self.runs if run.complete]


def group_runs(runs: Iterable[Run], *, table: str | None = None) -> list[Group]:
    """Put together the runs of the same name and, but for seed and folders, the same config.

    Args:
        runs: In the order that the tables are to have; a work dir that comes twice counts once.
        table: A table of a paper; runs with a row in it (``experiment.rows``) get that row's name.

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
        key = config_key(run.config)
        if key not in variants:
            variants[key] = Group(label)
            order.append(variants[key])
            if len(variants) > 1:
                first = next(iter(variants.values()))
                variants[key].label = f"{label} (variant {len(variants)})"
                variants[key].note = config_difference(first.runs[0].config, run.config)
        variants[key].runs.append(run)
    for group in order:
        repeated = [s for s, n in Counter(r.seed for r in group.complete).items() if n > 1]
        if repeated:
            seeds = ", ".join(map(str, repeated))
            hint = f"several runs of seed {seeds}: the spread is smaller than between seeds"
            group.note = "; ".join(filter(None, (group.note, hint)))
    return order
