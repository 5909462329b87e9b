"""Guards: stop, or skip a batch, before bad input or numbers reach the weights."""

from .broken_files_hook import BrokenFilesHook
from .check_tasks_hook import CheckTasksHook
from .nonfinite_hook import NonFiniteHook
from .update_guard import UpdateGuard

__all__ = ["BrokenFilesHook", "CheckTasksHook", "NonFiniteHook", "UpdateGuard"]
