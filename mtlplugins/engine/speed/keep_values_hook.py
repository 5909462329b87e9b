"""Hook of earlier configs that has no effect any more."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class KeepValuesHook(Hook):
    """Accepted, as saved configs name it; does nothing.

    It cached attention biases during validation, which gained nothing there.
    """
