"""Propose a config for a folder of images and targets.

    mtlplugins inspect FOLDER --out mine.py
    mtlplugins train mine.py

Looks at names, types and values of the files, and proposes which are images, which are which
targets, the classes, the unit of depth, the missing values, and a split. Writes a commented config,
and beside it a folder with the split files, the report of a data check and panels of six images.
Prints what it is unsure of. Nothing is written to FOLDER.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from mtlplugins.analysis.data_check import Check, as_text, check_config
from mtlplugins.analysis.data_check.worst_images import draw_targets
from mtlplugins.config import load_config
from mtlplugins.visualization import canvas

from .config_text import config_text, split_text
from .propose import Proposal, propose

_PANELS = 6


def inspect_folder(
    folder: str | Path, out: str | Path = "mine.py", *, workers: int = 0
) -> Proposal:
    """Look at a folder, and write a config that trains on it.

    Args:
        folder: Folder of images and targets; nothing is written to it.
        out: The config to write. A folder of its name without ``.py`` gets ``train.txt`` and
            ``val.txt``, the report of a data check, and panels of six images.
        workers: Number of worker processes of the data check.

    Returns:
        What is proposed, and what it is unsure of.

    Raises:
        FileExistsError: ``out`` or its folder exists.
        FileNotFoundError: There is no such folder.
        ValueError: ``out`` does not end in ``.py``, or there are no images or no targets.
    """
    out = Path(out)
    if out.suffix != ".py":
        raise ValueError(f"--out {out}: give the name of a config, which ends in .py")
    beside = out.with_suffix("")
    for path in (out, beside):
        if path.exists():
            raise FileExistsError(f"{path} exists: give another --out, or move it away")
    proposal = propose(Path(folder))
    beside.mkdir(parents=True)
    for split, part in proposal.parts.items():
        (beside / f"{split}.txt").write_text(split_text(proposal, part), encoding="utf-8")
    out.write_text(config_text(proposal, beside), encoding="utf-8")
    check = check_config(load_config(out), workers=workers, progress=False)
    (beside / "report.txt").write_text(as_text(check), encoding="utf-8")
    _draw(check, beside / "panels.png")
    proposal.unsure += [f"data check: {problem.message}" for problem in check.problems[:5]]
    return proposal


def _draw(check: Check, path: Path) -> None:
    """Draw the first images of the training split with their targets, two in a row."""
    if not check.splits or not check.splits[0].sources:
        return
    dataset = check.splits[0].sources[0]
    panels = [draw_targets(dataset, index) for index in range(min(_PANELS, len(dataset)))]
    rows = [panels[i : i + 2] for i in range(0, len(panels), 2)]
    Image.fromarray(np.ascontiguousarray(canvas.grid(rows, gap=8))).save(path)


def as_lines(proposal: Proposal) -> list[str]:
    """Describe a proposal for people."""
    lines = [f"  {note}" for note in proposal.notes[:20]]
    for guess in proposal.guesses.values():
        lines += [f"{guess.task}: {'; '.join(guess.notes)}"]
        lines += [f"  unsure: {line}" for line in guess.unsure]
    lines += [f"{name}: {len(part.names)} images" for name, part in proposal.parts.items()]
    return lines + [f"unsure: {line}" for line in proposal.unsure]


def main() -> None:
    """Run ``mtlplugins inspect``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="folder of images and targets")
    parser.add_argument("--out", default="mine.py", help="config to write; mine.py by default")
    parser.add_argument(
        "--workers", type=int, default=0, help="number of worker processes of the data check"
    )
    args = parser.parse_args()
    proposal = inspect_folder(args.folder, args.out, workers=args.workers)
    for line in as_lines(proposal):
        print("".join(c if c.isprintable() else "?" for c in line))
    beside = Path(args.out).with_suffix("")
    print(f"written: {args.out}, and in {beside}: train.txt, val.txt, report.txt, panels.png")
    print(f"next: mtlplugins train {args.out}")
