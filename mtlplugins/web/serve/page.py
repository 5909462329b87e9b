"""Page: layout and events of the server, in Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from mtlplugins.web.mixer import HIGHEST, OWN, presets

from . import tables
from .handlers import ASK, Handlers

_STATIC = Path(__file__).parent / "static"
CSS = (_STATIC / "page.css").read_text(encoding="utf-8")
#: Events that need the model run one after the other: each uses all cores.
_MODEL: dict[str, Any] = dict(concurrency_limit=1, concurrency_id="model")
_PRIVATE: dict[str, Any] = dict(api_visibility="private", show_progress="hidden")


def build_page(handlers: Handlers, examples: Sequence[Path]) -> gr.Blocks:
    """Build the page and its HTTP API.

    Args:
        handlers: What the events call.
        examples: Example images.
    """
    names = " and ".join(escape(model.name) for model in handlers.models)
    tasks = list(handlers.tasks)
    with gr.Blocks(title="mtlplugins", analytics_enabled=False) as page:
        gr.HTML(f"<h1>{names}</h1>", elem_id="title")
        with gr.Row():
            with gr.Column(scale=1, min_width=300, elem_id="controls"):
                file = gr.File(label="Image", file_types=["image"], height=120, elem_id="image")
                _examples(file, examples)
                chosen = gr.CheckboxGroup(tasks, value=tasks, label="Tasks", elem_id="tasks")
                preset, sliders, cosines = _mixer(handlers)
            with gr.Column(scale=3, min_width=320, elem_id="results"):
                message = gr.HTML(f"<p>{ASK}</p>", elem_id="message")
                script = (_STATIC / "cards.js").read_text(encoding="utf-8")
                cards = gr.HTML(js_on_load=script, elem_id="cards")
                with gr.Row():
                    write = gr.Button("Files: PNG, npy, JSON", elem_id="write")
                    measure = gr.Button("Measure the time per task", elem_id="measure")
                files = gr.File(
                    label="Files",
                    file_count="multiple",
                    interactive=False,
                    visible=False,
                    elem_id="files",
                )
                costs = gr.HTML(
                    tables.cost_table(handlers.models), apply_default_css=False, elem_id="costs"
                )
        asked = [file, chosen, *sliders]
        predict = dict(fn=handlers.show, inputs=asked, outputs=[cards, message, cosines])
        changes = [file.change, chosen.input, *(slider.input for slider in sliders)]
        gr.on(changes, **predict, trigger_mode="always_last", **_MODEL, **_PRIVATE)
        if preset is not None:
            moved = preset.input(_sliders_of(tasks), preset, sliders, **_PRIVATE)
            moved.then(**predict, **_MODEL, **_PRIVATE)
        write.click(handlers.write_files, asked, files, **_MODEL, **_PRIVATE)
        measure.click(handlers.measure, file, costs, **_MODEL, **_PRIVATE)
        _api(handlers)
    return page


def _examples(file: gr.File, examples: Sequence[Path]) -> None:
    gallery = gr.Gallery(
        [str(path) for path in examples],
        label="Examples",
        columns=3,
        height=140,
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        visible=bool(examples),
        elem_id="examples",
    )

    def choose(event: gr.SelectData) -> str:
        return str(examples[event.index])

    gallery.select(choose, outputs=file, **_PRIVATE)


def _mixer(handlers: Handlers) -> tuple[gr.Dropdown | None, list[gr.Slider], gr.HTML]:
    """Lay out the presets, a slider per embedding for each output, and the cosines."""
    tasks = handlers.tasks
    if handlers.models[0].embedding is None:
        return None, [], gr.HTML(visible=False)
    own = presets(tasks)[OWN]
    sliders = []
    with gr.Accordion("Embedding mixer", elem_id="mixer"):
        preset = gr.Dropdown(
            list(presets(tasks)), value=OWN, label="Mixture of all outputs", elem_id="preset"
        )
        gr.HTML("<small>Embeddings that an output is predicted with:</small>")
        for output in tasks:
            with gr.Tab(output):
                sliders += [
                    gr.Slider(
                        0,
                        HIGHEST,
                        value=own[output][task],
                        step=0.1,
                        label=f"z of {task}",
                        elem_id=f"mix-{tasks.index(output)}-{tasks.index(task)}",
                    )
                    for task in tasks
                ]
        cosines = gr.HTML(
            tables.cosine_tables(handlers.models, own), apply_default_css=False, elem_id="cosines"
        )
    return preset, sliders, cosines


def _sliders_of(tasks: Sequence[str]) -> Any:
    def move(name: str) -> list[float]:
        return [weight for row in presets(tasks)[name].values() for weight in row.values()]

    return move


def _api(handlers: Handlers) -> None:
    """Add the endpoints of the HTTP API, on components that are not shown."""
    with gr.Row(visible=False):
        image = gr.File(label="image")
        tasks = gr.CheckboxGroup(list(handlers.tasks), label="tasks")
        mixture = gr.JSON(label="mixture")
        files = gr.Checkbox(label="files")
        described = gr.JSON(label="predictions")
        written = gr.File(label="files", file_count="multiple")
        gr.Button().click(
            handlers.request,
            [image, tasks, mixture, files],
            [described, written],
            api_name="predict",
            **_MODEL,
        )
        gr.Button().click(handlers.describe_models, outputs=described, api_name="describe")
