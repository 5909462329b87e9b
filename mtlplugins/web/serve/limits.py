"""Limits of requests that Gradio does not set: their size, and addresses in place of files."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Middleware that refuses larger requests; one that does not say its size is cut off.

    Args:
        app: The application.
        most_bytes: Largest body of a request.
    """

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if int(said) > self.most_bytes:
            text = f"the request is larger than {self.most_bytes // 2**20} MiB"
            await PlainTextResponse(text, status_code=413)(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message if received <= self.most_bytes else {"type": "http.disconnect"}

        await self.app(scope, limited, send)


def refuse_addresses(page: gr.Blocks) -> None:
    """Make a page refuse addresses in place of files, which Gradio would fetch, of any size.

    Gradio keeps strangers from addresses of the server's own network; not from large files.
    """
    for block in page.blocks.values():
        move: Any = getattr(block, "async_move_resource_to_block_cache", None)
        if move is not None:
            block.async_move_resource_to_block_cache = _only_files(move)


def _only_files(move: Any) -> Any:
    async def checked(path: str | Any) -> Any:
        if str(path).startswith(("http://", "https://")):
            raise gr.Error("send the file itself, not its address", print_exception=False)
        return await move(path)

    return checked
