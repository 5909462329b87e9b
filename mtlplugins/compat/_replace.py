"""Monkey patches: a function of another package is replaced, once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_MARK = "_replaced_by_mtlplugins"


def replace_once(owner: Any, name: str, make: Callable[[Callable], Callable]) -> None:
    """Set ``owner.name`` to ``make(original)``, unless ``make`` did so before.

    Args:
        owner: The module or class that holds the function. Places that imported the function by
            name keep the original, so it has to be the place where it is looked up.
        name: Name of the function.
        make: Gets the original function and returns the new one.
    """
    original = getattr(owner, name)
    made_by = getattr(original, _MARK, ())
    maker = f"{make.__module__}.{make.__qualname__}"
    if maker in made_by:
        return
    replacement = functools.wraps(original)(make(original))
    setattr(replacement, _MARK, (*made_by, maker))
    setattr(owner, name, replacement)
