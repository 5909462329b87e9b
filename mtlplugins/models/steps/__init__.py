"""Training steps: orders of the forward and backward passes of the tasks in a batch."""

from .all_tasks import AllTasks
from .task_by_task import TaskByTask

__all__ = ["AllTasks", "TaskByTask"]
