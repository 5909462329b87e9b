"""Key tables: what the tensors of one library's network are called in another's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

#: A number in a name: ``{i}``, or a multiple of it and a rest, as in ``{i+1}`` and ``{2i+1}``.
_NUMBER = re.compile(r"\{(\d*)([a-z])(?:\+(\d+))?\}")


class Name:
    """Name of a tensor or module with numbers, such as ``layers.{i+1}.blocks.{j}.norm1``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._numbers = [(int(a or 1), i, int(b or 0)) for a, i, b in _NUMBER.findall(text)]
        fixed = [re.escape(part) for part in re.split(r"\{[^}]*\}", text)]
        self._regex = re.compile(r"(\d+)".join(fixed) + r"(\..+)?")

    def read(self, key: str) -> tuple[dict[str, int], str] | None:
        """Return the numbers of a key at or below this name, and the rest; None for others."""
        found = self._regex.fullmatch(key)
        if not found:
            return None
        *digits, rest = found.groups()
        numbers: dict[str, int] = {}
        for (factor, name, offset), digit in zip(self._numbers, digits, strict=True):
            number, left = divmod(int(digit) - offset, factor)
            if left or number < 0 or numbers.setdefault(name, number) != number:
                return None
        return numbers, rest or ""

    def write(self, numbers: Mapping[str, int]) -> str:
        """Return the name with these numbers."""

        def digits(found: re.Match[str]) -> str:
            return str(int(found[1] or 1) * numbers[found[2]] + int(found[3] or 0))

        return _NUMBER.sub(digits, self.text)


@dataclass(frozen=True)
class Reshape:
    """How a tensor differs between two libraries that compute the same with it."""

    to_ours: Callable[[Tensor], Tensor]
    to_theirs: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class KeyTable:
    """Two-way table between the keys of a library's network and those of our encoder.

    Attributes:
        source: Library and network, for messages.
        family: Name of the tables between which tensors can be converted.
        rows: Their name and ours, of tensors, or of modules below which both name the tensors
            alike; the first that fits holds. ``qkv#1`` is the second of the equal parts of ``qkv``
            along the first axis.
        reshaped: Reshapes by our name.
    """

    source: str
    family: str
    rows: tuple[tuple[str, str], ...]
    reshaped: Mapping[str, Reshape] = field(default_factory=dict)

    @cached_property
    def _rows(self) -> list[tuple[Name, Name]]:
        return [(Name(theirs), Name(ours)) for theirs, ours in self.rows]

    def to_ours(self, key: str) -> str | None:
        """Return our name of a key, None if it has none."""
        return _renamed(key, self._rows)

    def to_theirs(self, key: str) -> str | None:
        """Return their name of a key, None if it has none."""
        return _renamed(key, ((ours, theirs) for theirs, ours in self._rows))


def _renamed(key: str, rows: Iterable[tuple[Name, Name]]) -> str | None:
    for old, new in rows:
        if found := old.read(key):
            numbers, rest = found
            return new.write(numbers) + rest
    return None
