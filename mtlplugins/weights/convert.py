"""Recognition of the library that weights come from, and renaming to another's names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from torch import Tensor

from .efficientnet import LITE0, LITE1_2
from .table import KeyTable

#: Every library that is recognised.
TABLES = (LITE0, LITE1_2)


class Weights(NamedTuple):
    """Weights under the names of the network that they are for.

    Attributes:
        source: The library they come from, None if they had these names already.
        tensors: Tensors by name.
        unused: Names in the file that have no place in the network.
    """

    source: str | None
    tensors: dict[str, Tensor]
    unused: list[str]


def convert(state: Mapping[str, Tensor], wanted: Collection[str]) -> Weights:
    """Rename tensors as a network names them.

    Args:
        state: Tensors by name, of any library in :data:`TABLES` or of the network's own.
        wanted: Names of the network's tensors.

    Returns:
        The weights by the table that gives most of the wanted tensors.
    """
    own = Weights(None, {k: v for k, v in state.items() if k in wanted}, [])
    candidates = [own, *(_by_table(state, table, wanted) for table in TABLES)]
    best = max(candidates, key=lambda weights: len(weights.tensors))
    if best is own:
        best.unused.extend(key for key in state if key not in wanted)
    return best


def _by_table(state: Mapping[str, Tensor], table: KeyTable, wanted: Collection[str]) -> Weights:
    tensors, unused = {}, []
    for key, value in state.items():
        name = table.to_ours(key)
        if name is not None and name in wanted:
            tensors[name] = value
        else:
            unused.append(key)
    return Weights(table.source, tensors, unused)
