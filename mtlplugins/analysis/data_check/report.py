"""Report of a data check as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtlplugins.datasets.targets.tally import Tally

from .findings import Findings, Problem
from .run import Check

_SHOWN = 20  # problems of a kind in the text; the JSON has all


def as_json(check: Check) -> dict[str, Any]:
    """Return all findings as plain values."""
    return dict(
        errors=check.errors,
        warnings=len(check.problems) - check.errors,
        splits=[
            dict(
                name=split.name,
                data_sets=[type(dataset).__name__ for dataset in split.sources],
                images=sum(map(len, split.sources)),
                targets={
                    task: dict(
                        images=tally.images,
                        valid=tally.valid,
                        elements=tally.elements,
                        histogram=dict(tally.histogram),
                    )
                    for task, tally in _tallies(findings).items()
                },
            )
            for split, findings in zip(check.splits, check.findings, strict=True)
        ],
        problems=[
            dict(
                severity="error" if problem.error else "warning",
                kind=problem.kind,
                split=problem.split,
                data_set=problem.source,
                image=problem.image,
                message=problem.message,
            )
            for problem in check.problems
        ],
    )


def as_text(check: Check) -> str:
    """Format the findings for people."""
    lines = []
    for split, findings in zip(check.splits, check.findings, strict=True):
        names = ", ".join(type(dataset).__name__ for dataset in split.sources)
        lines.append(f"{split.name}: {sum(map(len, split.sources))} images of {names}")
        for task, tally in _tallies(findings).items():
            share = tally.valid / max(tally.elements, 1)
            lines.append(f"  {task}: {tally.images} images, {share:.1%} of them with ground truth")
    lines += _histograms(check)
    lines += _problems(check.problems)
    warnings = len(check.problems) - check.errors
    lines.append(f"{check.errors} errors, {warnings} warnings")
    return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines) + "\n"


def _tallies(findings: Sequence[Findings]) -> dict[str, Tally]:
    """Add up the tallies of a split's data sets."""
    together = Findings()
    for found in findings:
        together.add(Findings(tallies=found.tallies))
    return together.tallies


def _histograms(check: Check) -> list[str]:
    """Format a table per task: shares of its values in percent, with a column per split."""
    tallies = [_tallies(findings) for findings in check.findings]
    names = [split.name for split in check.splits]
    lines = []
    for task in dict.fromkeys(task for of_split in tallies for task in of_split):
        found = [of_split.get(task, Tally()) for of_split in tallies]
        keys = list(dict.fromkeys(key for tally in found for key in tally.histogram))
        width = max(map(len, [*keys, task]))
        lines += ["", f"{task:<{width}}" + "".join(f"{name:>12}" for name in names)]
        for key in keys:
            shares = [tally.histogram[key] / max(tally.valid, 1) for tally in found]
            if any(shares):
                lines.append(f"{key:<{width}}" + "".join(f"{s:>12.2%}" for s in shares))
        absent = [key for key in keys if not any(tally.histogram[key] for tally in found)]
        if absent:
            lines.append(f"never: {', '.join(absent)}")
    return lines


def _problems(problems: Sequence[Problem]) -> list[str]:
    by_kind: dict[tuple[bool, str], list[Problem]] = {}
    for problem in problems:
        by_kind.setdefault((problem.error, problem.kind), []).append(problem)
    lines = [""]
    for (error, kind), group in by_kind.items():
        lines.append(f"{'ERROR' if error else 'warning'}: {kind}: {len(group)}")
        lines += [f"  [{problem.split}] {problem.message}" for problem in group[:_SHOWN]]
        if len(group) > _SHOWN:
            lines.append(f"  … {len(group) - _SHOWN} more")
    return lines
