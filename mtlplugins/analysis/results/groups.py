"""Groups of runs that differ only in their seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .config_difference import config_difference, config_key
from .runs import Run


@dataclass
class Group:
    """Runs of one experiment.

    Attributes:
        label: Name in the tables.
        runs: All runs, also incomplete ones.
        note: Difference to another group of the same name, and repeated seeds; empty if neither.
    """

    label: str
    runs: list[Run] = field(default_factory=list)
    note: str = ""

    @property
    def complete(self) -> list[Run]:
        """The complete runs, which are averaged."""
        return [run for run in self.runs if run.complete]


def group_runs(runs: Iterable[Run], *, table: str | None = None) -> list[Group]:
    """Group the runs with the same name and, apart from seed and folders, the same config.

    Args:
        runs: Runs in the order of the tables; a repeated work dir counts once.
        table: Number of a paper's table; runs with a row in it (``experiment.rows``) get the name
            of that row.

    Returns:
        Groups in the order of their first runs. If several have one name, the later ones are
        labelled as variants, and their ``note`` says how their configs differ.
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
