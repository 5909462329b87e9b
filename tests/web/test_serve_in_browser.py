"""The server's page in a headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from mtlplugins.web.serve.served import ServedModel
from mtlplugins.web.serve.server import serving
from tests.web.chromium import chromium, watch

pytestmark = pytest.mark.browser

AT = (48, 20)  # column and row of the pixel under the pointer, of 96 x 64


@pytest.fixture(scope="module")
def page(model: ServedModel, photo: Path) -> Iterator[Page]:
    with serving([model], examples=[photo]) as url, chromium() as browser:
        page = browser.new_page(viewport=dict(width=1300, height=1000))
        page.set_default_timeout(10_000)
        page.outside, page.errors = watch(page, url)
        page.goto(url)
        page.locator("#image input[type=file]").set_input_files(photo)
        expect(page.locator("#cards figure")).to_have_count(4)
        yield page


def value_under_pointer(page: Page, task: str) -> str:
    frame = page.locator("figure[data-task=semantic] .mtl-frame")
    box = frame.bounding_box()
    frame.hover(position=dict(
        x=box["width"] * (AT[0] + 0.5) / 96, y=box["height"] * (AT[1] + 0.5) / 64
    ))  # fmt: skip
    output = page.locator(f"figure[data-task={task}] output")
    expect(output).not_to_have_text("\u00a0")
    return output.inner_text()


def depth_there(model: ServedModel, photo: Path, weights: dict | None = None) -> float:
    answer = model.predict(Image.open(photo), ["depth"], weights)
    return float(answer.prediction["depth"].data[AT[1], AT[0]])


def test_values_under_the_pointer(page: Page, model: ServedModel, photo: Path) -> None:
    shown = value_under_pointer(page, "depth")
    assert shown.endswith(" m")
    assert float(shown[:-2]) == pytest.approx(depth_there(model, photo), abs=0.006)
    semantic = model.predict(Image.open(photo), ["semantic"]).prediction["semantic"]
    name = semantic.classes[semantic.data[AT[1], AT[0]]]
    assert value_under_pointer(page, "semantic") == name


def test_unticked_tasks_disappear(page: Page) -> None:
    box = page.locator("#tasks").get_by_label("scene")
    box.uncheck()
    expect(page.locator("#cards figure")).to_have_count(3)
    box.check()
    expect(page.locator("figure[data-task=scene]")).to_have_count(1)


def test_a_slider_changes_its_output(page: Page, model: ServedModel, photo: Path) -> None:
    before = page.locator("figure[data-task=depth] .mtl-map").get_attribute("data-values")
    semantic = page.locator("figure[data-task=semantic] .mtl-map").get_attribute("data-values")
    page.get_by_role("tab", name="depth", exact=True).click()
    slider = page.locator("#mix-1-0 input[type=range]")
    slider.focus()
    slider.fill("5")
    depth = page.locator("figure[data-task=depth] .mtl-map")
    expect(depth).not_to_have_attribute("data-values", before)
    want = depth_there(model, photo, dict(depth=dict(semantic=5, depth=1)))
    for _ in range(50):  # until the last of the slider's predictions is there
        shown = float(value_under_pointer(page, "depth")[:-2])
        if shown == pytest.approx(want, abs=0.006):
            break
        page.wait_for_timeout(200)
    assert shown == pytest.approx(want, abs=0.006)
    unchanged = page.locator("figure[data-task=semantic] .mtl-map")
    expect(unchanged).to_have_attribute("data-values", semantic)


def test_a_preset_sets_all_sliders(page: Page) -> None:
    preset = page.locator("#preset input")
    preset.click()
    page.get_by_role("option", name="1 semantic + 10 depth + 1 scene").click()
    page.get_by_role("tab", name="depth", exact=True).click()
    expect(page.locator("#mix-1-1 input[type=number]")).to_have_value("10")
    rows = page.locator("#cosines tbody tr")  # one mixture for all: one row, three times
    expect(rows.nth(0)).not_to_contain_text("1.000")  # predicted with its own no more
    numbers = [row.split("\t")[1:] for row in rows.all_inner_texts()]
    assert numbers[0] == numbers[1] == numbers[2]
    preset.click()
    page.get_by_role("option", name="own embeddings").click()
    expect(page.locator("#mix-1-1 input[type=number]")).to_have_value("1")
    expect(rows.nth(0)).to_contain_text("1.000")


def test_files_are_downloaded(page: Page, model: ServedModel, photo: Path) -> None:
    page.locator("#write").click()
    link = page.locator("#files a[href*='depth.npy']").first
    with page.expect_download() as download:
        link.click()
    own = model.predict(Image.open(photo), model.tasks).prediction["depth"].data
    np.testing.assert_allclose(np.load(download.value.path()), own, rtol=1e-5)


def test_times_are_measured(page: Page) -> None:
    page.locator("#measure").click()
    expect(page.locator("#costs")).to_contain_text("ms alone")


def test_an_example_is_predicted(page: Page) -> None:
    page.locator("#image").get_by_label("Clear").click()
    expect(page.locator("#cards figure")).to_have_count(0)
    page.locator("#examples button img").first.click()
    expect(page.locator("#cards figure")).to_have_count(4)


def test_what_is_no_image_is_said(page: Page, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    page.locator("#image").get_by_label("Clear").click()
    page.locator("#image input[type=file]").set_input_files(tmp_path / "a.png")
    expect(page.locator("#message")).to_contain_text("cannot be read as an image")


def test_the_page_asks_for_nothing_elsewhere(page: Page) -> None:
    assert page.outside == []
    assert page.errors == []
