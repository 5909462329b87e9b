"""Results as one self-contained HTML page."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import import_module
from pathlib import Path

from .affinity_tables import REPORT, reports_of
from .chart_groups import chart_groups, title_of
from .charts import Chart, colour
from .panels import Panel, PanelSet
from .summary import Summary, union
from .table import Table

#: Nothing is fetched from anywhere.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
NO_CHARTS = "Charts need Plotly: pip install 'mtlplugins[results]', then write this page again."
_STATIC = Path(__file__).with_name("static")
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
    charts: list[Chart] = []
    script = plotly_script()
    parts = [f"<h1>{escape(title)}</h1>", *_warnings(summaries, left_out), *_key(summaries)]
    if script is None:
        parts.append(f'<p class="warn">{escape(NO_CHARTS)}</p>')
    labels = [summary.label for summary in summaries]
    for table in tables:
        parts += _table(table, labels)
    for heading, found in chart_groups(summaries):
        places = [f'<div data-chart="{len(charts) + i}"></div>' for i in range(len(found))]
        charts += found
        if script is not None:
            parts += [f"<h2>{escape(heading)}</h2>", f'<div class="charts">{"".join(places)}</div>']
    parts += _affinity(summaries)
    if panels is not None:
        parts += _panels(summaries, panels)
    # "<" would end the element, or start a comment
    data = json.dumps(charts).replace("<", "\\u003c")
    scripts = [f"<script>{script}</script>"] if script else []
    scripts.append(f'<script type="application/json" id="charts">{data}</script>')
    scripts.append(f"<script>{(_STATIC / 'page.js').read_text('utf-8')}</script>")
    style = (_STATIC / "page.css").read_text("utf-8")
    path.write_text(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n<body>\n"
        + "\n".join([*parts, *scripts])
        + "\n</body></html>\n",
        encoding="utf-8",
    )


def plotly_script() -> str | None:
    """Return the script of Plotly, to be put into a page; None where it is not installed."""
    try:
        offline = import_module("plotly.offline")
    except ImportError:
        return None
    return offline.get_plotlyjs()


def _key(summaries: Sequence[Summary]) -> Iterator[str]:
    """Lay out the experiments with their colours, as boxes that show and hide them."""
    yield '<div class="key"><input type="search" placeholder="filter" aria-label="filter">'
    for number, summary in enumerate(summaries):
        name = escape(summary.label, quote=True)
        yield (
            f'<label><input type="checkbox" checked data-name="{name}">'
            f'<i style="background:{colour(number)}"></i>{name}</label>'
        )
    yield "</div>"


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


def _table(table: Table, labels: Sequence[str]) -> Iterator[str]:
    yield f"<h2>{escape(table.title)}</h2>"
    kind = "text" if table.title in _TEXT_TABLES else "sorted"
    head = "".join(f"<th>{escape(name)}</th>" for name in table.header)
    rows = []
    for row in table.rows:
        cells = []
        for cell in row:
            text = f"<strong>{escape(cell.text)}</strong>" if cell.best else escape(cell.text)
            mark = ' class="bad"' if "incomplete" in cell.text else ""
            cells.append(f"<td{mark}>{text}</td>")
        name = row[0].text
        mark = f' data-experiment="{labels.index(name)}"' if name in labels else ""
        rows.append(f"<tr{mark}>{''.join(cells)}</tr>")
    yield f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead>'
    yield f"<tbody>{''.join(rows)}</tbody></table></div>"
    if table.caption:
        yield f'<p class="caption">{escape(table.caption)}</p>'


def _affinity(summaries: Sequence[Summary]) -> Iterator[str]:
    """Lay out the images that `mtlplugins affinity` left in the runs' folders."""
    for title, run, _ in reports_of(summaries):
        yield f"<h2>Task affinity, {escape(title)}: images</h2>"
        for file in sorted((run.work_dir / REPORT).parent.glob("*.png")):
            yield f"<p>{_img(file, file.stem)}</p>"


def _panels(summaries: Sequence[Summary], panels: Mapping[Path, PanelSet]) -> Iterator[str]:
    yield "<h2>Test images</h2>"
    by_image: dict[str, list[tuple[str, Panel]]] = {}
    for summary in summaries:
        for run in summary.runs:
            found = panels.get(run.work_dir, PanelSet())
            if found.note:
                title = f"{title_of(summary, run)}: no images, {found.note}"
                yield f'<p class="caption">{escape(title)}</p>'
            for panel in found.panels:
                by_image.setdefault(panel.name, []).append((title_of(summary, run), panel))
    for name, drawn in by_image.items():
        yield f"<h3>{escape(name)}</h3>"
        yield from _slider(drawn)
        yield from _tiles(drawn)


def _slider(drawn: Sequence[tuple[str, Panel]]) -> Iterator[str]:
    """Lay out two images of a task on top of each other; a script puts them there."""
    tasks = union(panel.prediction for _, panel in drawn)
    sources = ["image", "ground truth", *(title for title, _ in drawn)]
    chosen = ("ground truth", sources[2]) if len(drawn) < 2 else (sources[2], sources[3])
    yield '<div class="compare">'
    yield _select("task", tasks, "")
    yield _select("left", sources, chosen[0])
    yield _select("right", sources, chosen[1])
    yield (
        '<div class="slider" style="--cut:50%"><img alt=""><img alt="">'
        '<input type="range" min="0" max="100" value="50" aria-label="left or right"></div></div>'
    )


def _select(label: str, options: Sequence[str], chosen: str) -> str:
    found = "".join(
        f"<option{' selected' if option == chosen else ''}>{escape(option)}</option>"
        for option in options
    )
    return f'<label>{label} <select aria-label="{label}">{found}</select></label>'


def _tiles(drawn: Sequence[tuple[str, Panel]]) -> Iterator[str]:
    """Lay out an image: a row per task, with the ground truth of the first run that has it."""
    tasks = {task: 0 for _, panel in drawn for task in (*panel.truth, *panel.prediction)}
    titles = ["image", "ground truth", "", *(title for title, _ in drawn)]
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    yield f'<div class="scroll"><table class="tiles"><thead><tr>{head}</tr></thead><tbody>'
    image = (
        f'<td rowspan="{max(1, len(tasks))}">{_img(drawn[0][1].image, "image", "", "image")}</td>'
    )
    for task in tasks or ("",):
        having = next((panel for _, panel in drawn if task in panel.truth), drawn[0][1])
        truth, key = having.truth.get(task), having.key.get(task)
        cells = [_img(truth, f"ground truth of {task}", task, "ground truth")]
        cells.append(_img(key, f"key of {task}"))
        cells += [
            _img(p.prediction.get(task), f"{title}: {task}", task, title) for title, p in drawn
        ]
        yield f"<tr>{image}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        image = ""
    yield "</tbody></table></div>"


def _img(file: Path | None, alternative: str, task: str = "", source: str = "") -> str:
    if file is None:
        return ""
    data = b64encode(file.read_bytes()).decode()
    alt, task, source = (escape(text, quote=True) for text in (alternative, task, source))
    mark = f' data-task="{task}" data-source="{source}"' if source else ""
    return f'<img alt="{alt}"{mark} src="data:image/{file.suffix[1:]};base64,{data}">'
