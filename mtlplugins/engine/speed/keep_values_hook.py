"""Hook of earlier configs without any effect."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmseg.registry import HOOKS


@HOOKS.register_module()
class KeepValuesHook(Hook):
    """No-op, accepted because saved configs name it.

    It cached attention biases during validation, which gained nothing there.
    """
