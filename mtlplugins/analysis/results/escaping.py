"""Names that people chose, as text of a table and nothing else."""

from __future__ import annotations

import re
from typing import Any

# an underscore within a word is one, to Markdown too
_MARKDOWN = re.compile(r"[\\`*\[\]<>|]|(?<!\w)_|_(?!\w)")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def markdown_text(text: str) -> str:
    """Write a text so that Markdown shows it as it is, in one line."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def csv_cell(value: Any) -> Any:
    """Give a value of a CSV file, a text with a quote where a spreadsheet would compute it."""
    formula = isinstance(value, str) and value.startswith(_FORMULAS) and len(value) > 1
    return f"'{value}" if formula else value
