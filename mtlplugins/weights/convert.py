"""Recognition of the library that weights come from, and renaming to another's names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mtlplugins.common.text import few

from . import efficientnet, resnet, swin, vit
from .table import KeyTable

#: Every library that is recognised.
TABLES: tuple[KeyTable, ...] = (
    *swin.TABLES,
    *vit.TABLES,
    *resnet.TABLES,
    *efficientnet.TABLES,
)
_PART = re.compile(r"#(\d)")
_PARTS = 3  # queries, keys and values


class Weights(NamedTuple):
    """Weights under the names of the network that they are for.

    Attributes:
        table: The library they come from, None if the network's own names were all that fits.
        tensors: Tensors by name.
        unused: Names in the file that have no place in the network.
    """

    table: KeyTable | None
    tensors: dict[str, Tensor]
    unused: list[str]


def convert(
    state: Mapping[str, Tensor],
    wanted: Collection[str],
    *,
    beside: Iterable[str] = (),
    target: KeyTable | None = None,
) -> Weights:
    """Rename and reshape tensors as a network has them.

    Args:
        state: Tensors by name, of any library in :data:`TABLES` or of the network's own names.
        wanted: Names of the network's tensors.
        beside: Names of what the file holds beside these, such as ``head.fc.weight``.
        target: The network's library, None for ours.

    Returns:
        The weights by the table that gives most of the wanted tensors; among those that give as
        many, the one that knows most of the other names.
    """
    best, best_score = _unchanged(state, wanted), (0, 0)
    for table in TABLES:
        if target is not None and target.family != table.family:
            continue
        weights = _by_table(state, table, wanted, target)
        known = sum(map(table.drops, (*weights.unused, *beside)))
        if (score := (len(weights.tensors), known)) > best_score:
            best, best_score = weights, score
    own = _unchanged(state, wanted)
    return own if len(own.tensors) > best_score[0] else best


def nearest(state: Iterable[str]) -> str:
    """Describe the table that knows most of the keys, and the first keys it does not know."""
    keys = list(state)

    def strangers(table: KeyTable) -> list[str]:
        return [key for key in keys if not table.to_ours(key) and not table.drops(key)]

    table = min(TABLES, key=lambda table: len(strangers(table)))
    found = strangers(table)
    if len(found) == len(keys):
        libraries = ", ".join(sorted({table.source for table in TABLES}))
        return f"its names are those of none of {libraries}"
    return f"its names are nearest to {table.source}" + (f", not {few(found)}" if found else "")


def _unchanged(state: Mapping[str, Tensor], wanted: Collection[str]) -> Weights:
    tensors = {key: value for key, value in state.items() if key in wanted}
    return Weights(None, tensors, [key for key in state if key not in wanted])


def _by_table(
    state: Mapping[str, Tensor],
    table: KeyTable,
    wanted: Collection[str],
    target: KeyTable | None,
) -> Weights:
    if target is table:
        return _unchanged(state, wanted)._replace(table=table)
    parts: dict[str, dict[int, Tensor]] = {}
    tensors, unused = {}, []
    for key, value in state.items():
        ours = table.to_ours(key)
        if ours is None:
            unused.append(key)
            continue
        whole = _PART.sub("", ours)
        name = target.to_theirs(whole) if target else whole
        if name is None or name not in wanted:
            unused.append(key)
        elif part := _PART.search(ours):
            parts.setdefault(name, {})[int(part[1])] = value
        else:
            if change := table.reshape(whole):
                value = change.to_ours(value)
            if target and (change := target.reshape(whole)):
                value = change.to_theirs(value)
            tensors[name] = value
    for name, found in parts.items():
        if len(found) == _PARTS:
            tensors[name] = torch.cat([found[i] for i in range(_PARTS)])
    return Weights(table, tensors, unused)
