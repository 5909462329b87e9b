"""Findings of a data check, which add up over parts of the data."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtlplugins.datasets.targets.tally import Tally


@dataclass(frozen=True)
class Problem:
    """Error or warning.

    Attributes:
        kind: A short label, to group problems by.
        message: The message for the user; names the file.
        split: Name of the split.
        source: Index of the data set in that split.
        image: Index of the image in the data set; None if the problem is of no single image.
        error: True for an error, which harms training or scores; False for a warning.
    """

    kind: str
    message: str
    split: str
    source: int = 0
    image: int | None = None
    error: bool = True


@dataclass(frozen=True)
class Emptiest:
    """Image with a target that is mostly missing.

    Attributes:
        missing: Share of the target's pixels without ground truth.
        task: Name of the task.
        split: Name of the split.
        source: Index of the data set in that split.
        image: Index of the image in the data set.
    """

    missing: float
    task: str
    split: str
    source: int
    image: int


@dataclass
class Findings:
    """Findings for some images of a data set.

    Attributes:
        problems: Problems, in the order of the images.
        tallies: Statistics of the targets, by task.
        digests: Hash of the pixels of each readable image, by its index.
        files: Path of each image, by its index.
        emptiest: The images with the least ground truth, the worst first.
    """

    problems: list[Problem] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)
    emptiest: list[Emptiest] = field(default_factory=list)

    KEPT = 8

    def add(self, other: Findings) -> None:
        """Add the findings for other images of the same data set."""
        self.problems += other.problems
        for task, tally in other.tallies.items():
            self.tallies.setdefault(task, Tally()).add(tally)
        self.digests |= other.digests
        self.files |= other.files
        both = self.emptiest + other.emptiest
        self.emptiest = sorted(both, key=lambda e: (-e.missing, e.image))[: self.KEPT]
