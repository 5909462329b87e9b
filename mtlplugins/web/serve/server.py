"""Server: the page on a port, within limits, with a folder that is removed at its end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from .downloads import Downloads
from .examples import render_examples
from .handlers import Handlers
from .limits import BodyLimit, refuse_addresses
from .page import CSS, build_page
from .served import ServedModel
from .uploads import MOST_BYTES

#: Requests that wait; more are refused with a message.
QUEUE = 256
_FONT = ("system-ui", "sans-serif")


@contextmanager
def serving(
    models: Sequence[ServedModel],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    examples: Sequence[Path] = (),
) -> Iterator[str]:
    """Context in which a server answers.

    Args:
        models: One checkpoint, or two of one config.
        host: Address to bind to; ``"0.0.0.0"`` for all of the machine's.
        port: Port; None for the first free one from 7860.
        examples: Example images; rendered rooms if there are none.

    Yields:
        The page's address.

    Raises:
        OSError: The port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="mtlplugins-serve-") as name:
        folder = Path(name)
        uploads = folder / "uploads"
        uploads.mkdir()
        with _environment(GRADIO_TEMP_DIR=str(uploads), GRADIO_ANALYTICS_ENABLED="False"):
            handlers = Handlers(models, Downloads(uploads))
            shown = list(examples) or render_examples(folder)
            page = build_page(handlers, shown)
            handlers.downloads.keep_what_is_there()
            refuse_addresses(page)
            _, url, _ = page.queue(max_size=QUEUE).launch(
                **_launch_options(),
                server_name=host,
                server_port=port,
                allowed_paths=[str(path.resolve()) for path in shown],
            )
            try:
                yield url
            finally:
                page.close(verbose=False)


def _launch_options() -> dict[str, Any]:
    return dict(
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=["api"],
        max_file_size=MOST_BYTES,
        app_kwargs=dict(middleware=[Middleware(BodyLimit, most_bytes=MOST_BYTES + 2**20)]),
        theme=gr.themes.Default(font=_FONT, font_mono=("ui-monospace", "monospace")),
        css=CSS,
    )


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
