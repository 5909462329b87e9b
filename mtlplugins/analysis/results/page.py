"""Results as one self-contained HTML page."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from .affinity_tables import REPORT, reports_of
from .charts import Curve, chart, colour
from .panels import Panel, PanelSet
from .runs import Run
from .summary import Summary, union
from .table import Table
from .tables import arrow, directions, metric_names

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1e1e1e; background: #fff;
  margin: 2rem auto; max-width: 1280px; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { max-width: 75ch; margin: .5rem 0; } .caption { color: #555; font-size: .88rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .3rem .8rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid #e4e4e4; }
thead th { border-bottom: 2px solid #777; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; font-weight: 600;
  position: sticky; left: 0; background: #fff; }
.text th, .text td { text-align: left; }
td.bad { color: #a33; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg .title { font-weight: 600; font-size: 12px; }
svg .grid { stroke: #e2e2e2; } svg .curve { fill: none; stroke-width: 1.6; }
svg .end { text-anchor: end; } svg .mid { text-anchor: middle; } svg text { fill: #333; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; padding: 0; list-style: none;
  font-size: .88rem; }
.key i { display: inline-block; width: 1.4rem; height: .25rem; margin-right: .5rem;
  vertical-align: middle; }
.tiles td, .tiles th { padding: .15rem .5rem .15rem 0; border: 0; vertical-align: top;
  text-align: left; position: static; }
.tiles th { font-size: .78rem; white-space: normal; max-width: 190px; }
.tiles img { display: block; max-width: 190px; }
p img { max-width: 100%; }
.warn { border-left: 4px solid #c60; padding: .1rem .8rem; background: #fff7ec; max-width: none; }
"""
#: Titles of tables with text instead of numbers.
_TEXT_TABLES = {"Experiment cards"}


def write_page(
    path: Path,
    title: str,
    summaries: Sequence[Summary],
    tables: Sequence[Table],
    *,
    panels: Mapping[Path, PanelSet] | None,
    left_out: Mapping[str, str],
) -> None:
    """Write the page.

    Args:
        path: The file.
        title: Heading of the page.
        summaries: Experiments to draw curves of.
        tables: All tables, in order.
        panels: Panels by work dir; None to leave the section out.
        left_out: Reasons by folder that could not be read.
    """
    parts = [f"<h1>{escape(title)}</h1>", *_warnings(summaries, left_out)]
    for table in tables:
        parts += _table(table)
    parts += [*_affinity(summaries), *_curves(summaries)]
    if panels is not None:
        parts += _panels(summaries, panels)
    path.write_text(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n",
        encoding="utf-8",
    )


def _warnings(summaries: Sequence[Summary], left_out: Mapping[str, str]) -> Iterator[str]:
    lines = [
        f"{summary.label}, seed {run.seed}: {run.state}; in no average."
        for summary in summaries
        for run in summary.runs
        if not run.complete
    ]
    lines += [f"{folder} could not be read: {why}" for folder, why in left_out.items()]
    lines += [f"{summary.label}: {summary.note}." for summary in summaries if summary.note]
    if lines:
        yield '<div class="warn">' + "".join(f"<p>{escape(line)}</p>" for line in lines) + "</div>"


def _table(table: Table) -> Iterator[str]:
    yield f"<h2>{escape(table.title)}</h2>"
    words = ' class="text"' if table.title in _TEXT_TABLES else ""
    head = "".join(f"<th>{escape(name)}</th>" for name in table.header)
    rows = []
    for row in table.rows:
        cells = []
        for cell in row:
            text = f"<strong>{escape(cell.text)}</strong>" if cell.best else escape(cell.text)
            mark = ' class="bad"' if "incomplete" in cell.text else ""
            cells.append(f"<td{mark}>{text}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    yield f'<div class="scroll"><table{words}><thead><tr>{head}</tr></thead>'
    yield f"<tbody>{''.join(rows)}</tbody></table></div>"
    if table.caption:
        yield f'<p class="caption">{escape(table.caption)}</p>'


def _affinity(summaries: Sequence[Summary]) -> Iterator[str]:
    """Lay out the images that `mtlplugins affinity` left in the runs' folders."""
    for title, run, _ in reports_of(summaries):
        yield f"<h2>Task affinity, {escape(title)}: images</h2>"
        for file in sorted((run.work_dir / REPORT).parent.glob("*.png")):
            yield f"<p>{_img(file, file.stem)}</p>"


def _curves(summaries: Sequence[Summary]) -> Iterator[str]:
    yield "<h2>Curves</h2>"
    entries = [
        f'<li><i style="background:{colour(i)}"></i>{escape(summary.label)}</li>'
        for i, summary in enumerate(summaries)
    ]
    yield f'<ul class="key">{"".join(entries)}</ul>'
    yield '<p class="caption">A line per run; dashed where it is incomplete.</p>'
    up = directions(summaries)
    units = " / ".join(sorted({run.unit for summary in summaries for run in summary.runs}))
    validation = []
    for name in metric_names(summaries):
        curves = [
            _curve(i, summary, run, [(v.position, v.scores.get(name)) for v in run.log.validations])
            for i, summary in enumerate(summaries)
            for run in summary.runs
        ]
        validation.append(chart(name + arrow(up.get(name)), units, curves))
    names = union(e.values for s in summaries for run in s.runs for e in run.log.train)
    training = []
    for name in names:
        curves = [
            _curve(i, summary, run, [(e.step, e.values.get(name)) for e in run.log.train])
            for i, summary in enumerate(summaries)
            for run in summary.runs
        ]
        training.append(chart(name, "iteration", curves))
    for heading, charts in (("Validation", validation), ("Training", training)):
        if any(charts):
            yield f"<h3>{heading}</h3>"
            yield f'<div class="charts">{"".join(f"<div>{c}</div>" for c in charts if c)}</div>'


def _curve(index: int, summary: Summary, run: Run, points: Sequence[tuple]) -> Curve:
    found = [(x, y) for x, y in points if y is not None]
    return Curve(_title(summary, run), colour(index), found, dashed=not run.complete)


def _title(summary: Summary, run: Run) -> str:
    seed = "" if run.seed is None else f", seed {run.seed}"
    return f"{summary.label}{seed}" + ("" if run.complete else f" ({run.state})")


def _panels(summaries: Sequence[Summary], panels: Mapping[Path, PanelSet]) -> Iterator[str]:
    yield "<h2>Test images</h2>"
    by_image: dict[str, list[tuple[str, Panel]]] = {}
    for summary in summaries:
        for run in summary.runs:
            found = panels.get(run.work_dir, PanelSet())
            if found.note:
                title = f"{_title(summary, run)}: no images, {found.note}"
                yield f'<p class="caption">{escape(title)}</p>'
            for panel in found.panels:
                by_image.setdefault(panel.name, []).append((_title(summary, run), panel))
    for name, drawn in by_image.items():
        yield f"<h3>{escape(name)}</h3>"
        yield from _tiles(drawn)


def _tiles(drawn: Sequence[tuple[str, Panel]]) -> Iterator[str]:
    """Lay out an image: a row per task, with the ground truth of the first run that has it."""
    tasks = {task: 0 for _, panel in drawn for task in (*panel.truth, *panel.prediction)}
    titles = ["image", "ground truth", "", *(title for title, _ in drawn)]
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    yield f'<div class="scroll"><table class="tiles"><thead><tr>{head}</tr></thead><tbody>'
    image = f'<td rowspan="{max(1, len(tasks))}">{_img(drawn[0][1].image, "image")}</td>'
    for task in tasks or ("",):
        having = next((panel for _, panel in drawn if task in panel.truth), drawn[0][1])
        truth, key = having.truth.get(task), having.key.get(task)
        cells = [_img(truth, f"ground truth of {task}"), _img(key, f"key of {task}")]
        cells += [_img(p.prediction.get(task), f"{title}: {task}") for title, p in drawn]
        yield f"<tr>{image}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        image = ""
    yield "</tbody></table></div>"


def _img(file: Path | None, alternative: str) -> str:
    if file is None:
        return ""
    data = b64encode(file.read_bytes()).decode()
    alt = escape(alternative, quote=True)
    return f'<img alt="{alt}" src="data:image/{file.suffix[1:]};base64,{data}">'
