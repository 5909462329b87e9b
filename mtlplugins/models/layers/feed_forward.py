"""mmcv's MLP of a transformer block, whose linear layers may carry conditional modules."""

from __future__ import annotations

from mmcv.cnn.bricks.transformer import FFN
from torch import Tensor, nn

from mtlplugins.models.conditioning import Condition

from .conditional_block import ConditionalBlock


def feed_forward_linears(ffn: nn.Module) -> list[str]:
    """Names, in a block, of the linear layers of its MLP ``ffn``; none if it is not mmcv's."""
    if not isinstance(ffn, FFN):
        return []
    return [name for name, layer in _named_layers(ffn) if isinstance(layer, nn.Linear)]


def feed_forward(
    block: ConditionalBlock, x: Tensor, identity: Tensor, condition: Condition | None
) -> Tensor:
    """Do what ``block.ffn(x, identity=identity)`` does, with conditional linear layers.

    Args:
        block: Holds the MLP as ``ffn``.
        x: (R, L, C).
        identity: What the MLP's output is added to (R, L, C).
        condition: The rows' tasks.

    Returns:
        (R, L, C).
    """
    ffn = block.ffn
    if not block.adds_to_linears or not isinstance(ffn, FFN):
        return ffn(x, identity=identity)
    for name, layer in _named_layers(ffn):
        x = block.transform(name, x, condition) if isinstance(layer, nn.Linear) else layer(x)
    return identity + ffn.dropout_layer(ffn.gamma2(x))


def _named_layers(ffn: FFN) -> list[tuple[str, nn.Module]]:
    """Layers in the order that they run, under their names in the block."""
    found = []
    for i, part in enumerate(ffn.layers):
        if isinstance(part, nn.Sequential):
            found += [(f"ffn.layers.{i}.{j}", layer) for j, layer in enumerate(part)]
        else:
            found.append((f"ffn.layers.{i}", part))
    return found
