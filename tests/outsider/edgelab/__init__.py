"""A package outside mtlplugins that adds a kind of target, a conditional module and a data set."""

from . import edge_head, edge_map, edge_metric, edge_output, scan_dataset, task_gate  # noqa: F401
