"""The results page in Chromium: charts, filter, sorting and slider, in light and dark."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from mtlplugins.analysis.results import PanelSet, read_run, result_tables, write_page
from mtlplugins.analysis.results.panels import Panel
from tests.analysis.results.work_dirs import config, full_log, summaries_of, write_run
from tests.web.chromium import chromium, watch

pytestmark = pytest.mark.browser
COLOURS = dict(image=(9, 9, 9), truth=(0, 0, 255), first=(255, 0, 0), second=(0, 255, 0))


def write(folder: Path) -> Path:
    """Two experiments with scores 0.25 and 0.5, and an image of one colour from each."""
    files = {}
    for name, colour in COLOURS.items():
        files[name] = folder / f"{name}.png"
        Image.fromarray(np.full((20, 30, 3), colour, np.uint8)).save(files[name])
    runs, panels = [], {}
    for name, score in (("first", 0.25), ("second", 0.5)):
        values = config(experiment=dict(name=name))
        run = read_run(write_run(folder / name, values, full_log({"depth/d1": score})))
        panel = Panel("a", files["image"], dict(depth=files["truth"]), dict(depth=files[name]), {})
        panels[run.work_dir] = PanelSet([panel])
        runs.append(run)
    summaries = summaries_of(runs)
    page = folder / "results.html"
    write_page(page, "Results", summaries, result_tables(summaries), panels=panels, left_out={})
    return page


@pytest.fixture(scope="module", params=["light", "dark"])
def page(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    file = write(tmp_path_factory.mktemp("page"))
    with chromium() as browser:
        context = browser.new_context(
            viewport=dict(width=1200, height=2400), color_scheme=request.param
        )
        page = context.new_page()
        page.scheme = request.param
        page.outside, page.errors = watch(page, file.as_uri())
        page.goto(file.as_uri())
        expect(page.locator("[data-drawn]")).to_have_count(2)
        yield page


def brightness(page: Page, selector: str, attribute: str) -> float:
    colour = page.locator(selector).first.evaluate(
        "(element, name) => getComputedStyle(element)[name]", attribute
    )
    return sum(map(float, colour[colour.index("(") + 1 : -1].split(",")[:3])) / 3


def test_colours_follow_the_scheme(page: Page) -> None:
    paper = brightness(page, "body", "backgroundColor")
    words = brightness(page, "[data-chart] .xtitle", "fill")
    assert abs(paper - words) > 130
    assert (paper < 128) == (page.scheme == "dark")


def test_a_chart_shows_the_value_under_the_pointer(page: Page) -> None:
    plot = page.locator("[data-chart] .nsewdrag").first
    plot.hover(position=dict(x=plot.bounding_box()["width"] - 20, y=100))
    values = page.locator("[data-chart] .hoverlayer").first
    expect(values).to_contain_text("0.25")
    expect(values).to_contain_text("0.5")


def test_the_filter_hides_rows_and_curves(page: Page) -> None:
    rows = page.locator("tr[data-experiment='0']:visible")
    curves = page.locator("[data-chart]").first.locator(".scatterlayer .trace")
    expect(curves).to_have_count(2)
    assert rows.count() > 0
    page.get_by_label("filter").fill("SECOND")
    expect(curves).to_have_count(1)
    expect(rows).to_have_count(0)
    assert page.locator("tr[data-experiment='1']:visible").count() > 0
    page.get_by_label("filter").fill("")
    page.locator(".key [data-name=second]").uncheck()
    expect(page.locator("tr[data-experiment='1']:visible")).to_have_count(0)
    page.locator(".key [data-name=second]").check()
    expect(curves).to_have_count(2)


def test_a_click_sorts_by_number(page: Page) -> None:
    table = page.locator("table.sorted:has(th:text-matches('^d1'))").first
    head = table.locator("th:text-matches('^d1')")
    column = head.evaluate("cell => cell.cellIndex")
    found = []
    for _ in range(2):
        head.click()
        texts = table.locator("tbody tr").all_inner_texts()
        found.append([float(text.split("\t")[column]) for text in texts])
    assert found == [[0.25, 0.5], [0.5, 0.25]]
    assert head.get_attribute("aria-sort") == "descending"


def test_the_slider_moves_the_border_between_two_images(page: Page) -> None:
    slider = page.locator(".slider")

    def at(share: float) -> tuple[int, ...]:
        shot = Image.open(io.BytesIO(slider.screenshot())).convert("RGB")
        return shot.getpixel((round(share * shot.width), shot.height // 2))

    assert (at(0.25), at(0.75)) == (COLOURS["first"], COLOURS["second"])
    slider.locator("input").evaluate(
        "input => { input.value = 90; input.dispatchEvent(new Event('input')); }"
    )
    assert at(0.75) == COLOURS["first"]
    page.locator(".compare select").nth(1).select_option("ground truth")
    assert at(0.75) == COLOURS["truth"]


def test_the_page_asks_for_nothing_elsewhere(page: Page) -> None:
    assert page.outside == []
    assert page.errors == []
