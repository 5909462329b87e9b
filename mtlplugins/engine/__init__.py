"""What drives training: optimizer wrappers and hooks."""

from mtlplugins.engine.hooks import BrokenFilesHook, CheckTasksHook, NonFiniteHook, StepSeedHook
from mtlplugins.engine.optim_wrapper import Bf16OptimWrapper
from mtlplugins.engine.update_guard import UpdateGuard

__all__ = [
    "Bf16OptimWrapper",
    "BrokenFilesHook",
    "CheckTasksHook",
    "NonFiniteHook",
    "StepSeedHook",
    "UpdateGuard",
]
