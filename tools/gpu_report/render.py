"""Write the results of ``run.sh`` into the docs.

    python tools/gpu_report/render.py OUT

In docs/benchmark.md, configs/nyuv2/README.md and configs/cifar/README.md, text between
``<!-- gpu:NAME -->`` and ``<!-- /gpu:NAME -->`` is replaced by the figure or the tables of that
name. Entries without a measurement are not changed, so results of several calls add up.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_steps.records import read_records

ROOT = Path(__file__).resolve().parents[2]
FILES = ("docs/benchmark.md", "configs/nyuv2/README.md", "configs/cifar/README.md")
_ANCHOR = re.compile(r"(<!-- gpu:([\w-]+) -->)(.*?)(<!-- /gpu:\2 -->)", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """Reference to a number in a measured table.

    Attributes:
        title: Title of the table.
        row: Start of the row.
        column: Name of the column.
    """

    title: str
    row: tuple[Any, ...]
    column: str

    def text(self, tables: Sequence[dict[str, Any]]) -> str | None:
        """Return the number as text; None if it was not measured."""
        for table in tables:
            if table["title"] != self.title or self.column not in table["columns"]:
                continue
            index = table["columns"].index(self.column)
            for row in table["rows"]:
                if tuple(row[: len(self.row)]) == self.row:
                    value = row[index]
                    return f"{value:.2f}" if isinstance(value, float) else str(value)
        return None


def _swin(what: str, row: str, precision: str) -> Cell:
    return Cell(f"Swin-S, {what}, {precision}", (row,), "times as fast as mmseg's")


def _both(title: str, row: tuple[Any, ...], column: str) -> list[Cell]:
    return [Cell(title.format(what), row, column) for what in ("training step", "inference")]


def _cifar(config: str, *tasks: str) -> list[Cell]:
    return [Cell(f"CIFAR, {config}", ("test",), f"{task}/top1") for task in tasks]


def _alone(network: str, data: str) -> list[Cell]:
    return [
        *_cifar(f"{network}_label_{data}_ours", "label"),
        *_cifar(f"{network}_superclass_{data}_ours", "superclass"),
    ]


_STEP = "training step"
_FUSED = "ours, fused optimizer"
_FASTER = "times as fast as a pass for each task"
_MORE = "more than without"
#: Text and cells by anchor; the measured parts are joined by commas.
FIGURES: dict[str, list[tuple[str, list[Cell]]]] = {
    "inference": [
        (f"{{}} times in {precision}", [_swin("inference", "ours", precision)])
        for precision in ("bfloat16", "TF32", "float32")
    ],
    "training-float32": [
        (f"{{}} ({{}}) times in {p}", [_swin(_STEP, "ours", p), _swin(_STEP, _FUSED, p)])
        for p in ("TF32", "float32")
    ],
    "training-bfloat16": [
        ("{} ({}) times", [_swin(_STEP, row, "bfloat16") for row in ("ours", _FUSED)])
    ],
    "resnet50": [
        ("{} / {} times", _both("ResNet-50, {}, bfloat16", ("ours",), "times as fast as mmseg's"))
    ],
    "rows": [
        (
            "{} times in bfloat16",
            [Cell(f"K tasks, Swin-S, {_STEP}, bfloat16", (2, "rows"), _FASTER)],
        )
    ],
    "plan": [
        (
            "{} / {} times in bfloat16",
            [
                Cell("Plan 0-0-n-0 against all, Swin-S, K = 4, bfloat16", (what,), "ratio")
                for what in (_STEP, "inference")
            ],
        )
    ],
    "price": [
        (
            "{} / {} in bfloat16",
            _both("Cost of conditioning, Swin-S, {}, bfloat16", ("attention",), _MORE),
        )
    ],
    "folded": [
        (
            "{} in bfloat16",
            [
                Cell(
                    "Folded for one task, Swin-S, inference, bfloat16",
                    ("folded attention and LayerNorm",),
                    "more than the plain one",
                )
            ],
        )
    ],
    **{
        f"figure-{number}": [("**{} / {}**", cells)]
        for number, cells in {
            "5-6": _alone("vit", "cifar100"),
            "8": _cifar("vit_multi_cifar100_ours", "label", "superclass"),
            "9-10": _alone("resnet152", "cifar10"),
            "11-12": _alone("resnet152", "cifar100"),
            "13": _cifar("resnet152_multi_cifar10_ours", "label", "superclass"),
            "14": _cifar("resnet152_multi_cifar100_ours", "label", "superclass"),
        }.items()
    },
}
#: Prefix of the steps whose tables are written, by anchor.
BLOCKS = {"tables": "", "scratch13": "nyuv2", "cifar": "cifar"}
#: Anchors of whole trainings, in the READMEs of their configs.
_ELSEWHERE = ("nyuv2", "cifar")


def figure(parts: Sequence[tuple[str, Sequence[Cell]]], tables: Sequence[dict]) -> str | None:
    """Format a figure from the records; None if it was not measured."""
    said = []
    for template, cells in parts:
        texts = [cell.text(tables) for cell in cells]
        if None not in texts:
            said.append(template.format(*texts))
    return ", ".join(said) or None


def block(beginning: str, records: Sequence[dict[str, Any]]) -> str | None:
    """Join the tables of steps, with the status of unfinished steps."""
    own = [
        record
        for record in records
        if record["step"].startswith(beginning or ("",))
        and (beginning or not record["step"].startswith(_ELSEWHERE))
    ]
    newest = {(r["step"], r["table"]["title"]): r["markdown"] for r in own if "table" in r}
    if not newest:
        return None
    ends = {r["step"]: r["status"] for r in own if "status" in r}
    lacking = [f"- {step}: {status}" for step, status in ends.items() if status != "done"]
    if lacking:
        lacking = ["Not measured, or not to the end:\n", *lacking]
    return "\n" + "\n".join([*newest.values(), *lacking]).rstrip() + "\n"


def fill(text: str, found: dict[str, str | None]) -> str:
    """Replace the text between anchors.

    Raises:
        ValueError: An anchor has no such name.
    """

    def replace(match: re.Match[str]) -> str:
        begin, name, old, end = match.groups()
        if name not in found:
            raise ValueError(f"anchor gpu:{name}: there are only {', '.join(found)}")
        new = found[name]
        return f"{begin}{old if new is None else new}{end}"

    return _ANCHOR.sub(replace, text)


def render(records: Sequence[dict[str, Any]], root: Path) -> list[str]:
    """Fill the docs below ``root``; return the names of the filled anchors."""
    tables = [record["table"] for record in reversed(records) if "table" in record]
    found = {name: figure(parts, tables) for name, parts in FIGURES.items()}
    found |= {name: block(beginning, records) for name, beginning in BLOCKS.items()}
    for name in FILES:
        path = root / name
        path.write_text(fill(path.read_text(encoding="utf-8"), found), encoding="utf-8")
    return [name for name, text in found.items() if text is not None]


def main() -> None:
    """Parse the command line and fill the docs of this repository."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder that run.sh wrote")
    records = read_records(parser.parse_args().out)
    if not records:
        sys.exit("no results: give the folder that run.sh wrote part1.jsonl or part2.jsonl into")
    print("filled:", ", ".join(render(records, ROOT)) or "nothing")


if __name__ == "__main__":
    main()
