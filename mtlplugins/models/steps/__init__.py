"""Training steps: in which order the tasks of a batch run forward and backward."""

from .all_tasks import AllTasks
from .task_by_task import TaskByTask

__all__ = ["AllTasks", "TaskByTask"]
