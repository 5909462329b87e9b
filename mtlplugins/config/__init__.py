"""Reading and checking configs."""

from .load import load_config
from .mirrored_views import check_models_of_mmseg
from .tasks import spread_tasks, spread_tasks_of_every_config

spread_tasks_of_every_config()
check_models_of_mmseg()

__all__ = ["load_config", "spread_tasks"]
