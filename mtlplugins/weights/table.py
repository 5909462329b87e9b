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


@dataclass(frozen=True, eq=False)
class KeyTable:
    """Two-way table between the keys of a library's network and those of our encoder.

    Attributes:
        source: Library and network, for messages.
        family: Name of the tables between which tensors can be converted.
        rows: Their name and ours, of tensors, or of modules below which both name the tensors
            alike; the first that fits holds. ``qkv#1`` is the second of the three equal parts of
            ``qkv`` along the first axis.
        prefix: What may precede all of their names, where the network is part of another.
        dropped: Their names that have no place in an encoder, such as the classifier's.
        refused: Names of ours without which the weights are another function, and what they are.
        reshaped: Reshapes by our name.
        settings: Attributes of our encoder that make it the function the weights were trained for.
    """

    source: str
    family: str
    rows: tuple[tuple[str, str], ...]
    prefix: str = ""
    dropped: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    reshaped: Mapping[str, Reshape] = field(default_factory=dict)
    settings: Mapping[str, bool] = field(default_factory=dict)

    @cached_property
    def _rows(self) -> list[tuple[Name, Name]]:
        return [(Name(theirs), Name(ours)) for theirs, ours in self.rows]

    def to_ours(self, key: str) -> str | None:
        """Return our name of a key, None if it has none."""
        return _renamed(key.removeprefix(self.prefix), self._rows)

    def to_theirs(self, key: str) -> str | None:
        """Return their name of a key, None if it has none."""
        return _renamed(key, ((ours, theirs) for theirs, ours in self._rows))

    def drops(self, key: str) -> bool:
        """Return whether a key of theirs has no place in an encoder."""
        key = key.removeprefix(self.prefix)
        return any(Name(name).read(key) for name in self.dropped)

    def refuses(self, key: str) -> str | None:
        """Return why the weights are another function without a key of theirs, None if not."""
        ours = self.to_ours(key)
        if ours is None:
            # what a library adds to a network, such as a norm of queries, changes what it computes
            renames = any(theirs != ours for theirs, ours in self.rows)
            return "what is unknown here" if renames and not self.drops(key) else None
        return next((what for name, what in self.refused.items() if Name(name).read(ours)), None)

    def reshape(self, key: str) -> Reshape | None:
        """Return how the tensor of our name differs."""
        return next((r for name, r in self.reshaped.items() if Name(name).read(key)), None)


def _renamed(key: str, rows: Iterable[tuple[Name, Name]]) -> str | None:
    for old, new in rows:
        if found := old.read(key):
            numbers, rest = found
            return new.write(numbers) + rest
    return None


def query_key_value(theirs: str, ours: str) -> tuple[tuple[str, str], ...]:
    """Return the rows of three layers in the module ``theirs`` that are one layer ``ours``."""
    names = ("query", "key", "value")
    return tuple((f"{theirs}.{name}", f"{ours}#{part}") for part, name in enumerate(names))
