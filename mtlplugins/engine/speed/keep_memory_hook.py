"""Keep the memory of one step for the next."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.memory import keep_freed_memory


@HOOKS.register_module()
class KeepMemoryHook(Hook):
    """On a CPU, let the C library keep freed memory instead of giving it back to the system.

    PyTorch's caching allocator is of GPUs alone: on a CPU the tensors of each step are fetched anew
    from the system, which clears every page again. A step of the CIFAR study's ViT with that took
    up to 1.9 times as long, and the most memory used at a time was the same. Where the C library is
    another than glibc nothing is done.
    """

    def before_run(self, runner: Runner) -> None:
        """Tell malloc, unless the model is elsewhere."""
        if next(runner.model.parameters()).device.type == "cpu":
            keep_freed_memory()
