"""A table of measurements, as Markdown and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mtlplugins.common.markdown import markdown_table


@dataclass(frozen=True)
class Table:
    """Rows under columns.

    Attributes:
        title: Headline.
        columns: Names of the columns.
        rows: Text or numbers.
        note: What the numbers are of.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    note: str = ""

    def markdown(self) -> str:
        """Write a section with the table."""
        lines = [f"### {self.title}", ""]
        if self.note:
            lines += [self.note, ""]
        lines.append(markdown_table(self.columns, [map(_text, row) for row in self.rows]))
        return "\n".join(lines) + "\n"

    def json(self) -> dict[str, Any]:
        """Give what ``json.dump`` can write."""
        found = asdict(self)
        found["rows"] = [[_plain(value) for value in row] for row in self.rows]
        return found


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value
