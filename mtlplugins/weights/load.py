"""Loading of another library's weights into an encoder."""

from __future__ import annotations

from collections.abc import Collection

from mmengine.logging import print_log
from torch import nn

from mtlplugins.common.notice import Notice
from mtlplugins.common.text import few
from mtlplugins.io.checkpoint import load_state

from .convert import Weights, nearest

#: Determined by the window size, which may differ from the file's.
_COMPUTED = "relative_position_index"


def load_weights(
    encoder: nn.Module, weights: Weights, address: str, *, optional: Collection[str] = ()
) -> None:
    """Load weights into an encoder, and log where they come from and what was loaded.

    Args:
        encoder: The encoder.
        weights: Its weights.
        address: Address of the file, for messages.
        optional: Names of the encoder's tensors that may be missing.

    Raises:
        ValueError: The weights are of another architecture or an unknown library, or would be
            another function without what the encoder has no place for.
    """
    _refuse(encoder, weights, address)
    for key in [key for key in weights.tensors if key.endswith(_COMPUTED)]:
        del weights.tensors[key]
    computed = {key for key in encoder.state_dict() if key.endswith(_COMPUTED)}
    optional = {*optional, *computed}
    source = weights.table.source if weights.table else "the encoder's own names"
    names = [*weights.tensors, *weights.unused]
    try:
        load_state(encoder, weights.tensors, address, optional=optional, names=names)
    except ValueError as error:
        known = weights.table and len(weights.tensors) > len(weights.unused)
        what = f"recognised as {source}" if known else nearest(names)
        raise ValueError(f"{error}; {what}") from error
    missing = [key for key in encoder.state_dict() if key not in computed | weights.tensors.keys()]
    print_log(
        Notice(
            f"loaded {len(weights.tensors)} tensors of {address} ({source})"
            + (f"; missing: {few(missing)}" if missing else "")
            + (f"; not used: {few(weights.unused)}" if weights.unused else "")
        ),
        logger="current",
    )


def _refuse(encoder: nn.Module, weights: Weights, address: str) -> None:
    """Refuse weights that would be another function without their unused part."""
    # of another architecture altogether, which loading says better
    if weights.table is None or len(weights.tensors) < len(weights.unused):
        return
    for key in weights.unused:
        if what := weights.table.refuses(key):
            raise ValueError(
                f"{address} ({weights.table.source}) has {what}: {key}, for which this "
                f"{type(encoder).__name__} has no place. Take other weights or a TIMMBackbone"
            )
