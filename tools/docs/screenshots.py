"""Screenshots of the web pages, in light, dark and at a phone's width, for the documentation.

Needs Chromium, Playwright and npm; for the page of `mtlplugins results` alone the first two:
python tools/docs/screenshots.py CONFIG CHECKPOINT --out docs/images
python tools/docs/screenshots.py --results results/results.html --out docs/images
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from mtlplugins.apis import load_config
from mtlplugins.web.browser import write_page
from mtlplugins.web.serve.examples import render_examples
from mtlplugins.web.serve.served import ServedModel
from mtlplugins.web.serve.server import serving

WIDE, PHONE = dict(width=1280, height=900), dict(width=390, height=844)
#: Name, colour scheme and size of the screen of each screenshot.
SHOTS = (("light", "light", WIDE), ("dark", "dark", WIDE), ("phone", "light", PHONE))


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", nargs="?", help="config file")
    parser.add_argument("checkpoint", nargs="?", help="checkpoint file of a conditioned model")
    parser.add_argument("--results", type=Path, help="a page of `mtlplugins results`")
    parser.add_argument("--out", type=Path, required=True, help="folder of the screenshots")
    parser.add_argument("--runtime", help="onnxruntime-web as its .tgz; by default npm fetches it")
    args = parser.parse_args()
    if args.results is None and args.checkpoint is None:
        parser.error("give CONFIG and CHECKPOINT, or --results PAGE")
    return args


def main() -> None:
    """Take the screenshots."""
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.results is not None:
        shoot_results(args.results, args.out)
    if args.checkpoint is not None:
        shoot_models(args)


def shoot_results(file: Path, out: Path) -> None:
    """Take the curves of a results page, in light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for scheme in ("light", "dark"):
            page = open_page(browser, file.resolve().as_uri(), scheme, WIDE)
            page.locator("h2:text-is('Task weights')").scroll_into_view_if_needed()
            page.evaluate("scrollBy(0, 500)")
            page.locator("[data-drawn] .nsewdrag").last.hover(position=dict(x=150, y=60))
            page.wait_for_timeout(500)
            save(page, out / f"results_{scheme}.png", full_page=False)
        browser.close()


def shoot_models(args: argparse.Namespace) -> None:
    """Take the page of a served model, and of one that predicts in the browser."""
    cfg = load_config(args.config)
    model = ServedModel(cfg, args.checkpoint, "cpu")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        photo = render_examples(folder)[0]
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        with serving([model]) as url:
            for shot, scheme, size in SHOTS:
                page = open_page(browser, f"{url}?__theme={scheme}", scheme, size)
                page.locator("#image input[type=file]").set_input_files(photo)
                page.locator("#cards figure").last.wait_for()
                page.wait_for_timeout(1500)  # fonts and animations
                hover(page, ".mtl-map[data-values] .mtl-frame")
                save(page, args.out / f"serve_{shot}.png")
        write_page(
            model.inferencer, cfg, folder / "page", embedding_input=True, runtime=args.runtime
        )
        with web_server(folder / "page") as url:
            for shot, scheme, size in SHOTS:
                page = open_page(browser, url, scheme, size)
                page.locator("#photo").set_input_files(photo)
                page.locator("#cards figure").last.wait_for()
                hover(page, ".frame:has(+ output)")
                save(page, args.out / f"exported_{shot}.png")
        browser.close()


def open_page(browser: Browser, url: str, scheme: str, size: dict[str, int]) -> Page:
    """Open an address in a fresh window."""
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.goto(url)
    return page


def hover(page: Page, selector: str) -> None:
    """Move the pointer over the first of the maps."""
    page.locator(selector).first.hover(position=dict(x=120, y=90))
    page.wait_for_timeout(300)


def save(page: Page, path: Path, *, full_page: bool = True) -> None:
    """Write a screenshot of a page, with few enough colours for a repository."""
    shot = Image.open(BytesIO(page.screenshot(full_page=full_page))).convert("RGB")
    few = shot.quantize(192, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, "PNG", optimize=True)
    print(f"{path}: {shot.width} x {shot.height}, {path.stat().st_size // 1024} kB")
    page.context.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """Context in which the files of a folder are served; yields the address."""
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


if __name__ == "__main__":
    main()
