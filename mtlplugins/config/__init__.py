"""Reading and checking configs."""

from .load import load_config
from .tasks import spread_tasks, spread_tasks_of_every_config

spread_tasks_of_every_config()

__all__ = ["load_config", "spread_tasks"]
