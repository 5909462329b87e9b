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
    layers = ffn.layers.named_modules()
    return [f"ffn.layers.{name}" for name, layer in layers if isinstance(layer, nn.Linear)]


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
    linears = feed_forward_linears(block.ffn)
    if not linears or not block.adds_to_linears:
        return block.ffn(x, identity=identity)
    for name, layer in block.ffn.layers.named_modules(prefix="ffn.layers"):
        if name in linears:
            x = block.transform(name, x, condition)
        elif not isinstance(layer, nn.Sequential):
            x = layer(x)
    return identity + block.ffn.dropout_layer(block.ffn.gamma2(x))
