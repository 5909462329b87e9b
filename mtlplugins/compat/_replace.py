"""How a workaround takes the place of a function of another package."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_MARK = "_replaced_by_mtlplugins"


def replace_once(owner: Any, name: str, make: Callable[[Callable], Callable]) -> None:
    """Set ``owner.name`` to ``make(original)``, unless that was done before.

    Args:
        owner: The module or class that holds the function. Places that imported the function by
            name keep the original, so it has to be the place where it is looked up.
        name: Name of the function.
        make: Gets the original function and returns the new one.
    """
    original = getattr(owner, name)
    if getattr(original, _MARK, False):
        return
    replacement = functools.wraps(original)(make(original))
    setattr(replacement, _MARK, True)
    setattr(owner, name, replacement)
