"""Reading finished runs and setting them side by side."""

from .escaping import markdown_text
from .groups import Group, group_runs
from .page import write_page
from .panels import PanelSet, draw_panels
from .runs import Run, read_run
from .sheets import write_groups, write_runs
from .tables import Table, markdown, result_tables

__all__ = [
    "Group",
    "PanelSet",
    "Run",
    "Table",
    "draw_panels",
    "group_runs",
    "markdown",
    "markdown_text",
    "read_run",
    "result_tables",
    "write_groups",
    "write_page",
    "write_runs",
]
