"""Hooks of the training loop."""

from .broken_files_hook import BrokenFilesHook
from .check_tasks_hook import CheckTasksHook
from .nonfinite_hook import NonFiniteHook
from .step_seed_hook import StepSeedHook

__all__ = ["BrokenFilesHook", "CheckTasksHook", "NonFiniteHook", "StepSeedHook"]
