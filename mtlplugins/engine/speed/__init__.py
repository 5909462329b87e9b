"""Faster training and flat memory use."""

from .batched_info_hook import BatchedInfoHook
from .bf16_optim_wrapper import Bf16OptimWrapper
from .compile_hook import CompileHook
from .keep_memory_hook import KeepMemoryHook
from .keep_values_hook import KeepValuesHook
from .recent_log_hook import RecentLogHook

__all__ = [
    "BatchedInfoHook",
    "Bf16OptimWrapper",
    "CompileHook",
    "KeepMemoryHook",
    "KeepValuesHook",
    "RecentLogHook",
]
