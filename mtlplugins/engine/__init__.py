"""Training: runners, loops, optimizer wrappers and hooks."""

from .console import ConsoleHook
from .guards import BrokenFilesHook, CheckTasksHook, NonFiniteHook, UpdateGuard
from .resume import (
    CheckResumeHook,
    ResumableEpochLoop,
    ResumableIterLoop,
    SafeCheckpointHook,
    StepSeedHook,
    StopSignalHook,
)
from .runner import MultiTaskRunner
from .sharded_runner import ShardedRunner
from .speed import (
    BatchedInfoHook,
    Bf16OptimWrapper,
    CompileHook,
    KeepMemoryHook,
    KeepValuesHook,
    RecentLogHook,
)

__all__ = [
    "BatchedInfoHook",
    "Bf16OptimWrapper",
    "BrokenFilesHook",
    "CheckResumeHook",
    "CheckTasksHook",
    "CompileHook",
    "ConsoleHook",
    "KeepMemoryHook",
    "KeepValuesHook",
    "MultiTaskRunner",
    "NonFiniteHook",
    "RecentLogHook",
    "ResumableEpochLoop",
    "ResumableIterLoop",
    "SafeCheckpointHook",
    "ShardedRunner",
    "StepSeedHook",
    "StopSignalHook",
    "UpdateGuard",
]
