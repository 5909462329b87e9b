"""Check for keys of ``paramwise_cfg.custom_keys`` that match no parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mtlplugins.common.text import few


def unused_custom_keys(optim_wrapper: Mapping[str, Any], parameters: Iterable[str]) -> str | None:
    """Name the keys that set nothing: MMEngine ignores a misspelt name silently.

    Args:
        optim_wrapper: The ``optim_wrapper`` of the config.
        parameters: Names of the model's parameters.

    Returns:
        A sentence, or None if each key is part of the name of a parameter.
    """
    keys = (optim_wrapper.get("paramwise_cfg") or {}).get("custom_keys") or {}
    names = list(parameters)
    unused = [key for key in keys if not any(key in name for name in names)]
    if not unused:
        return None
    parts = dict.fromkeys(name.partition(".")[0] for name in names)
    return (
        f"optim_wrapper.paramwise_cfg.custom_keys: {few(unused)} set nothing, as no parameter has "
        f"that in its name; parameters begin with {few(parts)}"
    )
