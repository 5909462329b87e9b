"""Loading of another library's weights into an encoder."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mmengine.logging import print_log
from torch import Tensor, nn

from mtlplugins.common.text import few
from mtlplugins.io.checkpoint import load_state

from .convert import convert


def load_weights(
    encoder: nn.Module, state: Mapping[str, Tensor], source: str, *, optional: Collection[str] = ()
) -> None:
    """Load weights of the encoder's own layout or another library's, and log what was loaded.

    Args:
        encoder: The encoder.
        state: Tensors by name.
        source: Address of the file, for messages.
        optional: Names of the encoder's tensors that may be missing.

    Raises:
        ValueError: The weights are of another architecture.
    """
    wanted = encoder.state_dict()
    weights = convert(state, wanted)
    load_state(encoder, weights.tensors or state, source, optional=optional)
    missing = [key for key in wanted if key not in weights.tensors]
    print_log(
        f"loaded {len(weights.tensors)} tensors of {source}"
        + (f", {weights.source}" if weights.source else "")
        + (f"; missing: {few(missing)}" if missing else "")
        + (f"; not used: {few(weights.unused)}" if weights.unused else ""),
        logger="current",
    )
