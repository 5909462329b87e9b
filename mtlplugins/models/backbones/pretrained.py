"""Loading of pretrained weights of the plain architecture into an encoder."""

from __future__ import annotations

import re

from torch import nn

from mtlplugins.models.conditioning import FiLM, conditional_modules
from mtlplugins.weights import Weights, load_weights


def one_checkpoint(encoder: str, pretrained: str | None, init_cfg: dict | None) -> dict | None:
    """Return ``init_cfg``, made of mmseg's older argument ``pretrained`` if that is given.

    Raises:
        ValueError: Both are given.
    """
    if not pretrained:
        return init_cfg
    if init_cfg:
        raise ValueError(f"{encoder}: give pretrained or init_cfg, not both")
    return dict(type="Pretrained", checkpoint=pretrained)


def load_pretrained(encoder: nn.Module, weights: Weights, address: str, *, optional: str) -> None:
    """Load ``weights`` into ``encoder``; they may lack the conditional modules.

    Args:
        encoder: A conditioned or plain encoder.
        weights: Its weights.
        address: File or URL of the weights, for messages.
        optional: Regular expression of other keys that may be missing.

    Raises:
        ValueError: The checkpoint is of another architecture.
    """
    may_miss = conditional_keys(encoder) | {
        key for key in encoder.state_dict() if re.match(optional, key)
    }
    load_weights(encoder, weights, address, optional=may_miss)


def conditional_keys(encoder: nn.Module) -> set[str]:
    """Return the keys only a conditioned encoder has: not γ' and β' of a conditional norm."""
    names = {id(module): name for name, module in encoder.named_modules()}
    added: list[nn.Module] = [m for m in encoder.modules() if isinstance(m, FiLM)]
    added += [m for m in conditional_modules(encoder) if not isinstance(m, nn.LayerNorm)]
    prefixes = tuple(names[id(module)] + "." for module in added)
    return {key for key in encoder.state_dict() if key.startswith(prefixes)}
