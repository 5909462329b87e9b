"""Table of measurements, written as Markdown and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mtlplugins.common.markdown import markdown_table


@dataclass(frozen=True)
class Table:
    """Table of measurements.

    Attributes:
        title: Heading.
        columns: Names of the columns.
        rows: Cells, text or numbers.
        note: Explanation of the numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    note: str = ""

    def markdown(self) -> str:
        """Format a Markdown section with the table."""
        lines = [f"### {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        lines.append(markdown_table(self.columns, [map(_text, row) for row in self.rows]))
        return "\n".join(lines) + "\n"

    def json(self) -> dict[str, Any]:
        """Return plain values for ``json.dump``."""
        found = asdict(self)
        found["rows"] = [[_plain(value) for value in row] for row in self.rows]
        return found


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value
