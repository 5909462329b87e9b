"""The page of all configs has each of them, with what its file says of itself.

``python -m tests.docs.test_config_page`` writes the first two columns anew and keeps the others.
"""

from __future__ import annotations

import re
from pathlib import Path

from .pages import ROOT, tables

PAGE = ROOT / "docs/configs.md"
CONFIGS = ROOT / "configs"
NOT_MEASURED = "not measured"
HEADER = "| config | what it is | score | time, machine |\n|---|---|---|---|\n"


def families() -> dict[str, list[Path]]:
    """Return the config files by their folder, those that people start with first."""
    found: dict[str, list[Path]] = {}
    for path in sorted(CONFIGS.rglob("*.py")):
        if "_base_" not in path.parts:
            found.setdefault(path.parent.relative_to(ROOT).as_posix(), []).append(path)
    return found


def description(path: Path) -> str:
    """Return the first sentence of a config's first comment."""
    comment = re.match(r"(?:#[^\n]*\n)+", path.read_text())
    assert comment, f"{path}: the first line must say what the config is, as a comment"
    text = " ".join(line.lstrip("# ") for line in comment[0].splitlines())
    return re.split(r"(?<=\.)\s|:\s+(?=tools/|python )", text)[0].rstrip(".")


def table(family: list[Path], measured: dict[str, list[str]]) -> str:
    """Write the table of a folder, with what was measured by name of the config."""
    rows = []
    for path in family:
        columns = measured.get(path.stem, [NOT_MEASURED] * 2)
        rows.append(f"| `{path.stem}` | {description(path)} | {' | '.join(columns)} |\n")
    return HEADER + "".join(rows)


def measured_in(text: str) -> dict[str, list[str]]:
    """Return the columns that are written by hand, by name of the config."""
    rows = [row for cells in tables(text) if cells[0][0] == "config" for row in cells[1:]]
    return {row[0].strip("`"): row[2:] for row in rows}


def test_the_page_has_every_config() -> None:
    text = PAGE.read_text()
    for folder, family in families().items():
        assert f"`{folder}/`" in text
        assert table(family, measured_in(text)) in text, folder
    stems = [path.stem for family in families().values() for path in family]
    assert sorted(measured_in(text)) == sorted(stems)  # no name twice, none that is gone


def test_what_is_measured_has_a_score_and_a_time() -> None:
    measured = measured_in(PAGE.read_text())
    for name, (score, time) in measured.items():
        assert (score == NOT_MEASURED) == (time == NOT_MEASURED), name
        if score != NOT_MEASURED:
            assert re.search(r"\d", score), name
    assert 10 < sum(score != NOT_MEASURED for score, _ in measured.values()) < len(measured)


def test_scores_are_those_of_the_family_s_own_page() -> None:
    readmes = "".join(path.read_text() for path in CONFIGS.rglob("README.md"))
    readmes += (ROOT / "docs/tasks.md").read_text()
    for name, (score, _) in measured_in(PAGE.read_text()).items():
        for number in re.findall(r"\d+\.\d+", score):
            assert number in readmes, f"{name}: {number}"


def test_the_first_sentence_of_a_config(tmp_path: Path) -> None:
    config = tmp_path / "a.py"
    config.write_text("# Thesis, table 4.3: depth\n# alone. More.\n_base_ = 'b.py'\n# not this\n")
    assert description(config) == "Thesis, table 4.3: depth alone"


def write() -> None:
    """Write the first two columns of the page anew."""
    text = PAGE.read_text()
    measured = measured_in(text)
    for folder, family in families().items():
        pattern = rf"(`{re.escape(folder)}/`[^|]*?\n\n)(?:\|[^\n]*\n)*"
        text, count = re.subn(pattern, lambda m, f=family: m[1] + table(f, measured), text)
        assert count == 1, f"{PAGE} has no paragraph with `{folder}/` before a table"
    PAGE.write_text(text)


if __name__ == "__main__":
    write()
