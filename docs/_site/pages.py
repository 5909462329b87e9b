"""MkDocs hook: pages of the repository outside docs/ become pages of the site, links and all."""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

#: Pages outside docs/ and a file that one links to, by their paths in the repository and the site.
OUTSIDE = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "configs/cifar/README.md",
    "configs/cifar/study.json",
    "configs/nyuv2/README.md",
    "configs/rooms/README.md",
)
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside docs/."""
    root = os.path.dirname(config.config_file_path)
    for path in OUTSIDE:
        files.append(File.generated(config, path, abs_src_path=os.path.join(root, path)))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> str:
    """Point links at where pages are in the site: what is in docs/ moves to its root."""
    here = page.file.src_uri
    folder = posixpath.dirname(here if here in OUTSIDE else f"docs/{here}")

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2])).removeprefix("docs/")
        return link[1] + posixpath.relpath(target, posixpath.dirname(here) or ".")

    return _LINK.sub(moved, markdown)
