"""A package outside mtlplugins that adds a kind of target, a conditional module and a data set."""

from . import crack_head, crack_map, crack_metric, crack_output, scan_dataset, task_gate  # noqa: F401
