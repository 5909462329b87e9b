"""The exported page predicts in Chromium what PyTorch predicts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from mtlplugins.analysis.embeddings import mixed_rows
from mtlplugins.apis.export import predict
from mtlplugins.web.browser import write_page
from mtlplugins.web.serve.served import ServedModel
from tests.web.chromium import chromium, watch

pytestmark = pytest.mark.browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def page(model: ServedModel, config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    out = tmp_path_factory.mktemp("exported") / "page"
    write_page(model.inferencer, config, out, embedding_input=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    try:
        with chromium() as browser:
            page = browser.new_page(viewport=dict(width=1300, height=900))
            page.outside, page.errors = watch(page, url)
            page.goto(url)
            expect(page.locator("#status")).to_have_text("Ready.", timeout=30_000)
            yield page
    finally:
        server.shutdown()


def found(page: Page) -> dict[str, np.ndarray]:
    made = page.evaluate("window.predictions.found")
    return {task: np.array(o["data"]).reshape(o["dims"]) for task, o in made.items()}


def wait_for_predictions(page: Page) -> None:
    """Ask from outside: what waits inside of the page would need ``eval``, which it forbids."""
    for _ in range(600):
        if page.evaluate("Boolean(window.predictions.found && !window.predictions.busy)"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("no prediction within half a minute")


def assert_same(made: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert list(made) == list(wanted)
    assert (made["semantic"] != wanted["semantic"]).mean() < 5e-4  # between equal scores
    for task in ("depth", "scene"):
        np.testing.assert_allclose(made[task], wanted[task], rtol=1e-3, atol=1e-4)
        assert made[task].std() > 1e-3


def test_numbers_are_those_of_pytorch(
    page: Page, model: ServedModel, photo: Path, pixels: np.ndarray
) -> None:
    page.locator("#photo").set_input_files(photo)
    expect(page.locator("#cards figure")).to_have_count(4)
    assert_same(found(page), predict(model.inferencer.model, pixels[None]))


def test_mixtures_are_those_of_pytorch(page: Page, model: ServedModel, pixels: np.ndarray) -> None:
    before = found(page)["depth"]
    page.evaluate("window.predictions.found = null")
    page.locator("#mix-1-0").fill("5")
    wait_for_predictions(page)
    network = model.inferencer.model
    rows = mixed_rows(network.task_embedding, dict(depth=dict(semantic=5, depth=1)))
    assert_same(found(page), predict(network, pixels[None], rows))
    assert np.abs(found(page)["depth"] - before).max() > 1e-3
    page.locator("#preset").select_option("1 semantic + 1 depth + 1 scene")
    rows = page.locator("#cosines tr").all_inner_texts()
    assert [row.split("\t")[1:] for row in rows[1:]] == [rows[1].split("\t")[1:]] * 3
    page.locator("#preset").select_option("own embeddings")


def test_any_size_is_resized_as_in_training(page: Page, model: ServedModel, tmp_path: Path) -> None:
    """Bilinear to 64 x 96 with rounding, as OpenCV does, but for the rounding of one level."""
    from PIL import Image

    from mtlplugins.rooms.renderer import render_room

    image = render_room(3, 1, size=(150, 130)).image
    Image.fromarray(image).save(tmp_path / "a.png")
    page.evaluate("window.predictions.found = null")
    page.locator("#photo").set_input_files(tmp_path / "a.png")
    wait_for_predictions(page)
    own = model.predict(Image.fromarray(image), ["scene"]).prediction["scene"].scores
    np.testing.assert_allclose(found(page)["scene"][0], own, atol=0.03)


def test_the_value_under_the_pointer(page: Page) -> None:
    frame = page.locator("figure:has(h2:text('depth')) .frame")
    frame.hover()
    output = frame.locator("..").locator("output")
    expect(output).to_contain_text(" m")
    depth = found(page)["depth"][0, 0]
    assert float(output.inner_text()[:-2]) == pytest.approx(float(depth[32, 48]), abs=0.011)


def test_what_is_no_image_is_said(page: Page, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    page.locator("#photo").set_input_files(tmp_path / "a.png")
    expect(page.locator("#status")).to_have_text("this file cannot be read as an image")


def test_the_page_asks_for_nothing_elsewhere(page: Page) -> None:
    assert page.outside == []
    assert page.errors == []
