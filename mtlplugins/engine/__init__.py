"""What drives training: optimizer wrappers and hooks."""

from mtlplugins.engine.hooks import (
    BrokenFilesHook,
    CheckResumeHook,
    CheckTasksHook,
    NonFiniteHook,
    SafeCheckpointHook,
    StepSeedHook,
    StopSignalHook,
)
from mtlplugins.engine.loops import ResumableEpochLoop, ResumableIterLoop
from mtlplugins.engine.optim_wrapper import Bf16OptimWrapper
from mtlplugins.engine.sharded_runner import ShardedRunner
from mtlplugins.engine.update_guard import UpdateGuard

__all__ = [
    "Bf16OptimWrapper",
    "BrokenFilesHook",
    "CheckResumeHook",
    "CheckTasksHook",
    "NonFiniteHook",
    "ResumableEpochLoop",
    "ResumableIterLoop",
    "SafeCheckpointHook",
    "ShardedRunner",
    "StepSeedHook",
    "StopSignalHook",
    "UpdateGuard",
]
