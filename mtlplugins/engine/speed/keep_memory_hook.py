"""Reuse of freed memory from one training step to the next, on a CPU."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.memory import keep_freed_memory


@HOOKS.register_module()
class KeepMemoryHook(Hook):
    """On a CPU, let the C library keep freed memory instead of returning it to the system.

    PyTorch's caching allocator exists for GPUs only: on a CPU each step allocates its tensors from
    the system again, which clears every page. That made a step of the CIFAR study's ViT up to 1.9
    times as slow; peak memory was the same. With a C library other than glibc the hook does
    nothing.
    """

    def before_run(self, runner: Runner) -> None:
        """Configure malloc, if the model is on the CPU."""
        if next(runner.model.parameters()).device.type == "cpu":
            keep_freed_memory()
