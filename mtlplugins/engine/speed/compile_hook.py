"""Compile the encoder."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class CompileHook(Hook):
    """Let ``torch.compile`` make one program of the encoder, for training and prediction.

    The encoder is most of the work and compiles as one graph; heads, losses and metrics stay as
    they are, and so do weights and checkpoints. It is compiled anew, which takes minutes, for each
    new combination of image size, batch size and numbers of rows per task, of which PyTorch keeps
    eight: crops of one size, ``drop_last=True`` and data that have every label suit it. Drop path
    and dropout draw other numbers than without.

    Args:
        options: Arguments of ``torch.compile``, such as ``mode="max-autotune"``.
    """

    priority = "VERY_LOW"  # behind hooks that copy the model

    def __init__(self, **options: Any) -> None:
        self.options = options

    def before_run(self, runner: Runner) -> None:
        """Compile at the first forward pass."""
        model = runner.model
        while is_model_wrapper(model):
            model = model.module
        model.backbone.compile(**self.options)
