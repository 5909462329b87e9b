"""Comparison of training runs: read, grouped, summarised, laid out in tables, written."""

from .config_difference import config_difference
from .csv_files import write_experiments, write_runs
from .groups import Group, group_runs
from .page import write_page
from .panels import PanelSet, draw_panels
from .runs import Run, read_run
from .summary import Spread, Summary, summarise
from .table import Table
from .tables import result_tables

__all__ = [
    "Group",
    "PanelSet",
    "Run",
    "Spread",
    "Summary",
    "Table",
    "config_difference",
    "draw_panels",
    "group_runs",
    "read_run",
    "result_tables",
    "summarise",
    "write_experiments",
    "write_page",
    "write_runs",
]
