"""Compilation of the network by ``torch.compile``."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.model_wrappers import unwrapped_model


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile encoder, decoders and heads with ``torch.compile``, for training and prediction.

    They become one graph; losses, metrics, weights and checkpoints stay as they are. Each new
    combination of image size and batch size is compiled again, which takes minutes, and PyTorch
    caches eight of them: use crops of one size and ``drop_last=True``. Batches in which images lack
    targets are padded to one of two numbers of rows, so they need two graphs in all; see
    :meth:`MultiTaskModel.compile_network`. Drop path and dropout draw other random numbers than in
    an uncompiled model.

    The encoder alone is compiled, and again for each new combination of numbers of rows per task,
    where padding would change a result: with ``TaskByTask``, ``model.exchange``, sharded weights,
    synchronised batch norms in decoders or heads, or trained batch norms in a conditioned encoder;
    the log says so.

    Args:
        options: Arguments of ``torch.compile``, such as ``mode="max-autotune"``.
    """

    priority = "VERY_LOW"  # after hooks that copy the model

    def __init__(self, **options: Any) -> None:
        self.options = options

    def before_run(self, runner: Runner) -> None:
        """Mark the network for compilation at its first forward pass."""
        reason = unwrapped_model(runner.model).compile_network(**self.options)
        if reason:
            print_log(f"CompileHook compiles the encoder alone: {reason}", logger="current")
