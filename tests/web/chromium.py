"""A headless Chromium of the system, through Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=20_000)  # a first prediction on a busy machine takes its time
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise RuntimeError(f"none of {', '.join(NAMES)} is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def watch(page: Page, own: str) -> tuple[list[str], list[str]]:
    """Lists that fill with requests to anywhere but ``own``, and with errors of scripts."""
    outside: list[str] = []
    errors: list[str] = []

    def request(address: str) -> None:
        if not address.startswith((own, "data:", "blob:")):
            outside.append(address)

    page.on("request", lambda made: request(made.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    return outside, errors
