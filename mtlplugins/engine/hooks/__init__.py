"""Hooks of the training loop."""

from .broken_files_hook import BrokenFilesHook
from .check_resume_hook import CheckResumeHook
from .check_tasks_hook import CheckTasksHook
from .compile_hook import CompileHook
from .keep_memory_hook import KeepMemoryHook
from .keep_values_hook import KeepValuesHook
from .nonfinite_hook import NonFiniteHook
from .recent_log_hook import RecentLogHook
from .safe_checkpoint_hook import SafeCheckpointHook
from .step_seed_hook import StepSeedHook
from .stop_signal_hook import StopSignalHook

__all__ = [
    "BrokenFilesHook",
    "CheckResumeHook",
    "CheckTasksHook",
    "CompileHook",
    "KeepMemoryHook",
    "KeepValuesHook",
    "NonFiniteHook",
    "RecentLogHook",
    "SafeCheckpointHook",
    "StepSeedHook",
    "StopSignalHook",
]
