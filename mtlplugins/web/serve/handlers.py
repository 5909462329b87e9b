"""Handlers: what the page's events and the HTTP API call; errors become text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import gradio as gr

from mtlplugins.web.mixer import Mixtures

from . import tables
from .cards import draw_cards
from .downloads import Downloads, describe
from .served import Answer, ServedModel
from .uploads import LONGEST_SIDE, MOST_BYTES, MOST_PIXELS, read_upload

ASK = "Upload an image, or choose an example."


class Handlers:
    """Handlers of one or two checkpoints of one config; they keep nothing between calls.

    Args:
        models: The checkpoints.
        downloads: Folder for files to download.
    """

    def __init__(self, models: Sequence[ServedModel], downloads: Downloads) -> None:
        self.models = models
        self.downloads = downloads
        self.tasks = models[0].tasks

    def show(self, file: str | None, tasks: Sequence[str], *sliders: float) -> tuple[Any, str, str]:
        """Predict for the page.

        Returns:
            Cards, a line about the prediction or the error, and the cosines, as HTML.
        """
        weights = self.weights(sliders)
        try:
            cosines = tables.cosine_tables(self.models, weights)
            if file is None:
                return "", f"<p>{ASK}</p>", cosines
            answers = self._answer(file, tasks, weights)
        except ValueError as error:
            return (
                gr.skip(),
                f'<p class="mtl-error" role="alert">{escape(str(error))}</p>',
                gr.skip(),
            )
        seconds = " and ".join(f"{answer.seconds:.3f} s" for answer in answers)
        return draw_cards(answers), f"<p>Predicted in {seconds}.</p>", cosines

    def write_files(self, file: str | None, tasks: Sequence[str], *sliders: float) -> Any:
        """Write the files for download of what the page shows; return the list that shows them."""
        with errors_as_text():
            files = self.downloads.write(self._answer(file, tasks, self.weights(sliders)))
        return gr.File(value=files, visible=True)

    def measure(self, file: str | None) -> str:
        """Measure the time of each task; return the table of times and parameters as HTML."""
        with errors_as_text():
            image = read_upload(_given(file))
            return tables.cost_table(self.models, [model.times(image) for model in self.models])

    def request(
        self,
        image: str | None,
        tasks: Sequence[str] | None,
        mixture: Mapping[str, Mapping[str, float]] | None,
        files: bool,
    ) -> tuple[list[dict[str, Any]], list[str] | None]:
        """Answer a request of the HTTP API.

        Returns:
            A description per checkpoint, and files if they are asked for.
        """
        with errors_as_text():
            answers = self._answer(image, tasks or self.tasks, _checked(mixture))
            written = self.downloads.write(answers) if files else None
            return [describe(answer) for answer in answers], written

    def describe_models(self) -> list[dict[str, Any]]:
        """Describe the tasks and limits for the HTTP API, a dict per checkpoint."""
        return [
            dict(
                checkpoint=model.name,
                tasks=list(model.tasks),
                parameters=model.parameters(),
                conditioned=model.embedding is not None,
                most_bytes=MOST_BYTES,
                most_pixels=MOST_PIXELS,
                longest_side=LONGEST_SIDE,
            )
            for model in self.models
        ]

    def weights(self, sliders: Sequence[float]) -> Mixtures:
        """Arrange the sliders' values, row by row, as weights by embedding for each task."""
        count = len(self.tasks)
        rows = [sliders[i : i + count] for i in range(0, len(sliders), count)]
        return {
            task: dict(zip(self.tasks, row, strict=True))
            for task, row in zip(self.tasks, rows, strict=False)
        }

    def _answer(
        self, file: str | None, tasks: Sequence[str], weights: Mapping[str, Mapping[str, float]]
    ) -> list[Answer]:
        self.downloads.remove_old()
        image = read_upload(_given(file))
        ordered = [task for task in self.tasks if task in tasks]
        if not ordered or len(ordered) < len(set(tasks)):
            raise ValueError(f"choose at least one task of: {', '.join(self.tasks)}")
        asked = {task: row for task, row in weights.items() if task in ordered}
        return [model.predict(image, ordered, asked) for model in self.models]


def _given(file: str | None) -> str:
    if file is None:
        raise ValueError("upload an image first, or choose an example")
    return file


def _checked(mixture: Any) -> Mapping[str, Mapping[str, float]]:
    """Check what a request gives as mixture: it may be anything that JSON holds."""
    if mixture is None:
        return {}
    rows = list(mixture.values()) if isinstance(mixture, Mapping) else [None]
    for row in rows:
        values = list(row.values()) if isinstance(row, Mapping) else [None]
        if not all(isinstance(value, (int, float)) for value in values):
            raise ValueError('mixture: give weights by task, such as {"depth": {"semantic": 1}}')
    return mixture


@contextmanager
def errors_as_text() -> Iterator[None]:
    """Context in which errors of the input are shown as text, by the page and by API clients."""
    try:
        yield
    except ValueError as error:
        raise gr.Error(escape(str(error), quote=False), print_exception=False) from error
