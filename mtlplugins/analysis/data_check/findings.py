"""Findings of a data check, and their sum over parts of the data."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtlplugins.datasets.targets.tally import Tally


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, or odd.

    Attributes:
        kind: What, in a word or two.
        message: The sentence for the user; names the file.
        split: Splits it is in.
        source: The data set of that split, where there are several.
        image: Index of the image in the data set; None where it is of no single image.
        error: Whether training or scores would suffer from it.
    """

    kind: str
    message: str
    split: str
    source: int = 0
    image: int | None = None
    error: bool = True


@dataclass(frozen=True)
class Emptiest:
    """An image of whose targets much is missing.

    Attributes:
        missing: The share of a target's pixels that have no truth, of the emptiest target.
        task: Which task's.
    """

    missing: float
    task: str
    split: str
    source: int
    image: int


@dataclass
class Findings:
    """Findings in some images of a data set.

    Attributes:
        problems: In the order of the images.
        tallies: By task.
        digests: Of the pixels of each image that can be read, by its index.
        files: Where each image lies, by its index.
        emptiest: The images with the least truth, the worst first.
    """

    problems: list[Problem] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)
    emptiest: list[Emptiest] = field(default_factory=list)

    KEPT = 8

    def add(self, other: Findings) -> None:
        """Add what is found in other images of the same data set."""
        self.problems += other.problems
        for task, tally in other.tallies.items():
            self.tallies.setdefault(task, Tally()).add(tally)
        self.digests |= other.digests
        self.files |= other.files
        both = self.emptiest + other.emptiest
        self.emptiest = sorted(both, key=lambda e: (-e.missing, e.image))[: self.KEPT]
