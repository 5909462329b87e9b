"""Monkey patching: replace a function of another package, once."""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any

_MARK = "_replaced_by_mtlplugins"


def replace_once(owner: Any, name: str, make: FunctionType) -> None:
    """Set ``owner.name`` to ``make(original)``, unless ``make`` has done so before.

    Args:
        owner: The module or class in which callers look the function up. Modules that imported it
            by name keep the original.
        name: Name of the function.
        make: Takes the original function and returns the new one.
    """
    original = getattr(owner, name)
    made_by = getattr(original, _MARK, ())
    maker = f"{make.__module__}.{make.__qualname__}"
    if maker in made_by:
        return
    replacement = functools.wraps(original)(make(original))
    setattr(replacement, _MARK, (*made_by, maker))
    setattr(owner, name, replacement)
