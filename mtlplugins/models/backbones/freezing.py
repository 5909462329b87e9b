"""Freezing an encoder but for what adapts it to the tasks."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn


def freeze_all_but(encoder: nn.Module, trained: Iterable[nn.Module]) -> None:
    """Let only the modules ``trained`` and what is inside them learn.

    Everything else keeps its values: its parameters get no gradient and it is put into eval mode,
    so that batch statistics and dropout stand still too. Call it again whenever the encoder's mode
    has been set.
    """
    trained = list(trained)
    kept = {id(m) for module in trained for m in module.modules()}
    kept_parameters = {id(p) for module in trained for p in module.parameters()}
    for module in encoder.modules():
        if id(module) not in kept:
            module.training = False
    for parameter in encoder.parameters():
        if id(parameter) not in kept_parameters:
            parameter.requires_grad = False
