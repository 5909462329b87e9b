"""Names of millions of images and the tasks that each has a target of, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np


class ImageNames(Sequence):
    """Descriptions of images, each made when it is asked for.

    They take the bytes of the names and 8 to 16 bytes more per image, and forked workers share
    them. An item is a dict of ``name`` and ``target_tasks``, a tuple of tasks; a slice is a list.

    Args:
        folders: For each folder the names of its images, and by task the names of those that have
            a target.
        tasks: The tasks, 64 at most.
    """

    def __init__(
        self,
        folders: Iterable[tuple[Sequence[str], Mapping[str, Set[str]]]],
        tasks: Sequence[str],
    ) -> None:
        self.tasks = tuple(tasks)
        letters, sizes, having = [b""], [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
        for names, found in folders:
            encoded = [name.encode() for name in names]
            letters.append(b"".join(encoded))
            sizes.append(np.fromiter(map(len, encoded), np.int64, len(encoded)))
            bits = np.zeros(len(encoded), np.uint64)
            for number, task in enumerate(self.tasks):
                there = np.fromiter(map(found[task].__contains__, names), bool, len(encoded))
                bits |= there.astype(np.uint64) << np.uint64(number)
            having.append(bits)
        self._letters = np.frombuffer(b"".join(letters), np.uint8)
        self._ends = np.concatenate(sizes).cumsum()
        self._having = np.concatenate(having)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, image: Any) -> Any:
        if isinstance(image, slice):
            return [self[i] for i in range(*image.indices(len(self)))]
        image = range(len(self))[image]
        start = self._ends[image - 1] if image else 0
        bits = int(self._having[image])
        return dict(
            name=self._letters[start : self._ends[image]].tobytes().decode(),
            target_tasks=tuple(t for k, t in enumerate(self.tasks) if bits >> k & 1),
        )

    def counts(self) -> dict[str, int]:
        """Count the images that have a target, by task."""
        return {
            task: int((self._having >> np.uint64(k) & np.uint64(1)).sum())
            for k, task in enumerate(self.tasks)
        }
