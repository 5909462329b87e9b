"""Tables of the page: cosines of mixtures, and time and parameters per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from mtlplugins.web.mixer import Mixtures, cosines

from .served import ServedModel


def cosine_tables(models: Sequence[ServedModel], weights: Mixtures) -> str:
    """Draw the cosines between each task's mixture and all embeddings, a table per checkpoint.

    Raises:
        ValueError: The weights of a task are refused.
    """
    drawn = []
    for model in models:
        if model.embedding is None:
            continue
        found = cosines(model.embedding, weights).tolist()
        rows = [
            [task, *(f"{value:.3f}" for value in row)]
            for task, row in zip(model.tasks, found, strict=True)
        ]
        title = f"cosine, {model.name}" if len(models) > 1 else "cosine"
        drawn.append(_table([title, *model.tasks], rows))
    return "".join(drawn)


def cost_table(
    models: Sequence[ServedModel], times: Sequence[Mapping[str, float]] | None = None
) -> str:
    """Draw parameters per task and, where they were measured, times."""
    parameters = models[0].parameters()  # one config: those of the second are the same
    heading = ["", "parameters"]
    if times:
        heading += [f"time{f', {m.name}' if len(models) > 1 else ''}" for m in models]
    rows = []
    for name, count in parameters.items():
        label = "shared by all" if name == "shared" else name
        seconds = [f"{1000 * t[name]:.0f} ms alone" if name in t else "" for t in times or ()]
        rows.append([label, f"{count:,}", *seconds])
    together = [f"{1000 * t['together']:.0f} ms" for t in times or ()]
    rows.append(["together", f"{sum(parameters.values()):,}", *together])
    return _table(heading, rows)


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heading)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<table class="mtl-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
