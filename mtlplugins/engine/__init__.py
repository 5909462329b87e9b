"""What drives training: optimizer wrappers and hooks."""

from mtlplugins.engine.hooks import CheckTasksHook, StepSeedHook
from mtlplugins.engine.optim_wrapper import Bf16OptimWrapper

__all__ = ["Bf16OptimWrapper", "CheckTasksHook", "StepSeedHook"]
