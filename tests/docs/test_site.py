"""The documentation builds as a site, strictly, and the site refers to nothing outside."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import PAGES, ROOT, name_of


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built site; a broken link or reference stops the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_in_the_site(site: Path) -> None:
    for page in PAGES:
        path = name_of(page).removeprefix("docs/").replace("README.md", "index.md")
        assert (site / path).with_suffix(".html").exists(), path


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"<(?:script|img|iframe)[^>]* src=\"?https?:|<link[^>]*href=\"?https?:")
    for page in site.rglob("*.html"):
        links = re.sub(r'<link[^>]*rel="?canonical[^>]*>', "", page.read_text())
        assert not fetched.search(links), page


@pytest.mark.slow
def test_options_stand_in_the_reference(site: Path) -> None:
    page = (site / "reference/evaluation.html").read_text()
    text = re.sub(r"<[^>]+>", "", page)
    for part in ("MultiTaskDepthMetric", "median_scaling", "max_depth", "sqrt(mean((p - t)^2))"):
        assert part in text
    assert ":class:" not in text
    assert "====" not in text
