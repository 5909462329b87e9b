"""Statistics of a task's targets, and reasons why the task cannot be learnt from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlplugins.common.text import few

if TYPE_CHECKING:
    from .base import Target

_OUTSIDE = 0.9  # share of a task's values: some depths beyond the head's range are common


@dataclass
class Tally:
    """Statistics of the targets of a task.

    Attributes:
        images: Number of images with the target.
        elements: Number of their pixels (or of the images, for an image-level task).
        histogram: Number of elements with ground truth, by class or range.
        outside: Number of these that the model cannot predict.
        low: Smallest value, for targets with one number per element.
        high: Largest value.
    """

    images: int = 0
    elements: int = 0
    histogram: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    low: float = inf
    high: float = -inf

    @classmethod
    def of(cls, target: Target, value: Any, head: Mapping[str, Any]) -> Tally:
        """Count the target of an image.

        Args:
            target: The kind of target.
            value: The target as :meth:`Target.load` returns it: a map (H, W, ...) or a class.
            head: Config of the head that predicts it.
        """
        elements = value.shape[0] * value.shape[1] if target.dense else 1
        # including zeros: a class that never occurs must show
        tally = cls(1, elements, Counter(target.describe(value)), target.outside(value, head))
        numbers = np.asarray(value)
        if numbers.ndim in (0, 2) or numbers.size == 1:  # one number per element
            invalid = getattr(target, "invalid", None)  # of dense targets
            numbers = numbers if invalid is None else numbers[numbers != invalid]
            if numbers.size:
                tally.low, tally.high = float(numbers.min()), float(numbers.max())
        return tally

    @property
    def valid(self) -> int:
        """Number of elements with ground truth."""
        return sum(self.histogram.values())

    def misfit(self, task: str, target: Target, head: Mapping[str, Any]) -> str | None:
        """Say that a head (its config) cannot predict most of the values: their unit is wrong."""
        if self.outside <= _OUTSIDE * self.valid:
            return None
        share = self.outside / self.valid
        return f"task {task!r}: {share:.1%} of its values lie {target.where_outside(head)}"

    def add(self, other: Tally) -> None:
        """Add the statistics of another part of the data."""
        self.images += other.images
        self.elements += other.elements
        self.histogram.update(other.histogram)
        self.outside += other.outside
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)

    def doubts(self, task: str, target: Target, *, of_images: int | None = None) -> Iterator[str]:
        """Explain why a model would learn nothing of a task, or something unintended.

        Args:
            task: Name of the task.
            target: The kind of target.
            of_images: Total number of images, if only a part was counted.
        """
        if not self.valid:
            return
        if reason := target.implausible(self.histogram):
            yield f"task {task!r}: {reason}"
        where = f"in the {self.images} images with this target"
        if of_images and of_images > self.images:
            where = f"in {self.images} images looked at of {of_images}"
        names = target.meta().get("classes") or ()
        absent = [name for name in names if not self.histogram[name]]
        if absent and self.elements >= len(names):  # fewer images cannot have all classes
            yield (
                f"task {task!r}: {len(absent)} of its {len(names)} classes never occur {where}: "
                f"{few(absent)}; {self._shares(target)}. {_mend(target, names, absent)}"
            )
        elif self.low == self.high:
            yield (
                f"task {task!r}: its only value {where} is {self.low:g}; {self._shares(target)}: "
                "a model that always says so makes no error, and learns nothing. Give data with "
                "other values, or leave the task out"
            )

    def _shares(self, target: Target) -> str:
        """Describe the contents in percent, the most frequent first."""
        found = [(name, count) for name, count in self.histogram.most_common(4) if count]
        invalid = getattr(target, "invalid", None)  # images may have several labels, or none
        if invalid is not None and (ignored := self.elements - self.valid):
            found.append((f"no truth ({invalid})", ignored))
        kind = "pixels" if target.dense else "images"
        shares = ", ".join(f"{name} {count / self.elements:.1%}" for name, count in found)
        return f"of the {kind}: {shares}"


def _mend(target: Target, names: tuple[str, ...], absent: list[str]) -> str:
    mend = "Leave out classes that the data do not have, or give images that have them"
    ignored = getattr(target, "ignore_index", None)
    if ignored is None:
        return mend
    index = names.index(absent[0])
    return (
        f"If {ignored} in the files means a class, such as {absent[0]!r}, write its index {index} "
        f"there instead: {ignored} is ignore_index, which is not learnt (with ignore_index=-1 it "
        f"is an error that names the file). {mend}"
    )
