"""Weights for a network of timm, whatever library they come from."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from . import resnet, swin, vit
from .convert import Weights, convert
from .load import load_weights
from .resize import resize_bias_table, resize_positions

_TARGETS = (swin.TIMM, vit.TIMM, resnet.PLAIN, resnet.DEEP)


def load_into_timm(
    network: nn.Module,
    state: Mapping[str, Tensor],
    address: str,
    *,
    beside: Iterable[str] = (),
    added: Collection[str] = (),
) -> None:
    """Load weights of timm or another library into a network that timm made.

    Args:
        network: With ``features_only``, timm's wrappers put names of their own before the
            network's.
        state: Tensors by name.
        address: Address of the file, for messages.
        beside: Names of what the file holds beside these.
        added: Names of tensors that have been added to timm's network, and stay as they are.

    Raises:
        ValueError: The weights are of another architecture.
    """
    own = {name: tensor for name, tensor in network.state_dict().items() if name not in added}
    plain = {_unwrapped(name): name for name in own}
    if sum(name in state for name in own) > sum(name in state for name in plain):
        plain = {name: name for name in own}  # saved from such a wrapper
    target = next((t for t in _TARGETS if all(t.to_ours(n) or t.drops(n) for n in plain)), None)
    weights = convert(state, plain, beside=beside, target=target)
    tensors = {plain[name]: tensor for name, tensor in weights.tensors.items()}
    _fit(network, tensors)
    optional = [plain[name] for name in plain if target is not None and target.drops(name)]
    optional += added
    load_weights(
        network, Weights(weights.table, tensors, weights.unused), address, optional=optional
    )


def _fit(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Interpolate positions and tables of position biases of another size."""
    inner: Any = getattr(network, "model", network)  # in FeatureGetterNet
    for name, own in network.state_dict().items():
        given = tensors.get(name)
        if given is None or given.shape == own.shape or given.shape[-1] != own.shape[-1]:
            continue
        if name.endswith("relative_position_bias_table"):
            tensors[name] = resize_bias_table(given, len(own))
        elif name.endswith("pos_embed") and given.dim() == 3:
            extra = 0 if inner.no_embed_class else inner.num_prefix_tokens
            tensors[name] = resize_positions(given, inner.patch_embed.grid_size, extra)


def _unwrapped(name: str) -> str:
    """Undo ``model.`` of timm's FeatureGetterNet, and ``layer1_0.`` of its FeatureListNet."""
    name = name.removeprefix("model.")
    return re.sub(r"^([a-z]\w*?)_(\d+)\.", r"\1.\2.", name)
