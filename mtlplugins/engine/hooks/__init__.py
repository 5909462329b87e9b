"""Hooks of the training loop."""

from .check_tasks_hook import CheckTasksHook
from .step_seed_hook import StepSeedHook

__all__ = ["CheckTasksHook", "StepSeedHook"]
