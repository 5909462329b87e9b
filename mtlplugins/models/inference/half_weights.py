"""Prediction in bfloat16, with weights that are converted once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mtlplugins.models.layers import DepthwiseConv
from mtlplugins.models.rows import Rows

Network = Callable[[Tensor, Rows], dict[str, Tensor]]

#: Layers whose weights autocast converts in each forward pass.
_CONVERTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)


def in_bfloat16(network: Network) -> Network:
    """Make a network compute under bfloat16 autocast; its logits are float32 again.

    Args:
        network: ``MultiTaskModel.encode_decode``.
    """

    def run(inputs: Tensor, rows: Rows) -> dict[str, Tensor]:
        with torch.autocast(inputs.device.type, torch.bfloat16):
            logits = network(inputs, rows)
        return {task: values.float() for task, values in logits.items()}

    return run


@torch.no_grad()
def halve_weights(module: nn.Module) -> None:
    """Convert the weights of linear layers and convolutions to bfloat16, in place.

    Under autocast they compute the same, bit by bit, as autocast rounds the same weights in each
    forward pass; half the memory is read. All else stays float32, depthwise convolutions too, which
    are computed in float32 on a CPU. Not for training.
    """
    for layer in module.modules():
        if isinstance(layer, _CONVERTED) and not isinstance(layer, DepthwiseConv):
            for parameter in (layer.weight, layer.bias):
                if parameter is not None:
                    parameter.data = parameter.data.to(torch.bfloat16)
