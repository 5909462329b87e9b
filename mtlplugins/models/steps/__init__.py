"""Training steps: in which order the tasks of a batch run forward and backward."""

from .all_tasks import AllTasks

__all__ = ["AllTasks"]
