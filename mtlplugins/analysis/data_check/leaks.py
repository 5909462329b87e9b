"""Detection of duplicate images and leaks between splits, by file and by content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .findings import Findings, Problem
from .splits import Split


class _Place(NamedTuple):
    split: Split
    source: int
    image: int
    file: str


def find_shared_files(
    splits: Sequence[Split], findings: Sequence[Sequence[Findings]]
) -> list[Problem]:
    """Find files that are in two splits, or twice in one."""
    by_file: dict[str, list[_Place]] = {}
    for place in _places(splits, findings):
        by_file.setdefault(str(Path(place.file).resolve()), []).append(place)
    return [
        _problem("same file", group[0], other, f"{other.file} is an image of both")
        for group in by_file.values()
        for other in group[1:2]
    ]


def find_copies(splits: Sequence[Split], findings: Sequence[Sequence[Findings]]) -> list[Problem]:
    """Find different files with the same pixels."""
    by_content: dict[bytes, list[_Place]] = {}
    for place in _places(splits, findings):
        digest = findings[splits.index(place.split)][place.source].digests.get(place.image)
        if digest is not None:
            by_content.setdefault(digest, []).append(place)
    problems = []
    for first, *others in by_content.values():
        seen = {Path(first.file).resolve()}
        for other in others:
            if Path(other.file).resolve() in seen:  # reported by find_shared_files
                continue
            seen.add(Path(other.file).resolve())
            message = f"{other.file} has the pixels of {first.file}"
            problems.append(_problem("same content", first, other, message))
    return problems


def _places(splits: Sequence[Split], findings: Sequence[Sequence[Findings]]) -> Iterator[_Place]:
    for split, of_split in zip(splits, findings, strict=True):
        for source, found in enumerate(of_split):
            for image, file in found.files.items():
                yield _Place(split, source, image, file)


def _problem(kind: str, first: _Place, other: _Place, message: str) -> Problem:
    names = list(dict.fromkeys((first.split.name, other.split.name)))
    # training data must not be scored; val and test may overlap on purpose
    leak = len(names) > 1 and (first.split.trains or other.split.trains)
    where = f"leaks between {names[0]} and {names[1]}" if leak else f"in {' and '.join(names)}"
    return Problem(
        kind, f"{message}: {where}", other.split.name, other.source, other.image, error=leak
    )
