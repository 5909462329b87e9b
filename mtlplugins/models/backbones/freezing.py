"""Freezing of an encoder except for the modules that adapt it to the tasks."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn


def freeze_all_but(encoder: nn.Module, trained: Iterable[nn.Module]) -> None:
    """Freeze all modules except ``trained`` and their children.

    Frozen parameters get no gradient. Frozen modules are in eval mode, so batch statistics do not
    change and dropout is off. Call this again whenever the encoder's mode has been set.
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
