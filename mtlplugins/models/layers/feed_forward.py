"""MLP of a transformer block (mmcv's ``FFN``) with conditional modules on its linear layers."""

from __future__ import annotations

from mmcv.cnn.bricks.transformer import FFN
from torch import Tensor, nn

from mtlplugins.models.conditioning import Condition

from .conditional_block import ConditionalBlock


def feed_forward_linears(ffn: object) -> list[str]:
    """Return the names in a block of the linear layers of its MLP ``ffn``; none if not mmcv's."""
    if not isinstance(ffn, FFN):
        return []
    return [name for name, layer in _named_layers(ffn) if isinstance(layer, nn.Linear)]


def feed_forward(
    block: ConditionalBlock, x: Tensor, identity: Tensor, condition: Condition | None
) -> Tensor:
    """Run ``block.ffn(x, identity=identity)`` with conditional linear layers.

    Args:
        block: Block with the MLP as its attribute ``ffn``.
        x: Input of the MLP (R, L, C).
        identity: Residual that the output is added to (R, L, C).
        condition: The rows' tasks.

    Returns:
        (R, L, C).
    """
    ffn = block.get_submodule("ffn")
    if not block.adds_to_linears or not isinstance(ffn, FFN):
        return ffn(x, identity=identity)
    for name, layer in _named_layers(ffn):
        x = block.transform(name, x, condition) if isinstance(layer, nn.Linear) else layer(x)
    return identity + ffn.dropout_layer(ffn.gamma2(x))


def _named_layers(ffn: FFN) -> list[tuple[str, nn.Module]]:
    """List the layers in the order they run, with their names in the block."""
    found: list[tuple[str, nn.Module]] = []
    for i, part in enumerate(ffn.layers):
        if isinstance(part, nn.Sequential):
            found += [(f"ffn.layers.{i}.{j}", layer) for j, layer in enumerate(part)]
        else:
            found.append((f"ffn.layers.{i}", part))
    return found
