"""Compilation of the encoder by ``torch.compile``."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.model_wrappers import unwrapped_model


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile the encoder with ``torch.compile``, for training and prediction.

    The encoder is most of the work and compiles as one graph; heads, losses, metrics, weights and
    checkpoints stay as they are. Each new combination of image size, batch size and numbers of rows
    per task is compiled again, which takes minutes, and PyTorch caches eight of them: use crops of
    one size, ``drop_last=True`` and data in which every image has every target. Drop path and
    dropout draw other random numbers than in an uncompiled encoder.

    Args:
        options: Arguments of ``torch.compile``, such as ``mode="max-autotune"``.
    """

    priority = "VERY_LOW"  # after hooks that copy the model

    def __init__(self, **options: Any) -> None:
        self.options = options

    def before_run(self, runner: Runner) -> None:
        """Mark the encoder for compilation at its first forward pass."""
        unwrapped_model(runner.model).backbone.compile(**self.options)
