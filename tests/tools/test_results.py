"""The tool from work dirs to the results page, on runs written by hand and on a real one."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mtlplugins.analysis.results import page as page_module
from tests.analysis.results.work_dirs import config, full_log, write_run
from tests.tools.command import ROOT, run_tool

TINY = (
    "train_dataloader.dataset.length=2",
    "train_dataloader.batch_size=2",
    "val_dataloader.dataset.length=8",
    "test_dataloader.dataset.length=8",
    *(f"{part}_dataloader.num_workers=0" for part in ("train", "val", "test")),
    *(f"{part}_dataloader.persistent_workers=False" for part in ("train", "val", "test")),
    "model.backbone.depths=(1,1,1,1)",
    "model.backbone.plan.attention=(0,0,1,1)",
    "train_cfg.max_epochs=1",
)
VOID = {"meta", "img", "br", "input"}


class Page(HTMLParser):
    """Elements of a page; fails where one is closed that is not the last one open."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.source = file.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def images(self) -> list[str]:
        """The sources of all images."""
        return [value for tag, name, value in self.attributes if (tag, name) == ("img", "src")]


def assert_self_contained(page: Page) -> None:
    """Nothing is fetched: no link, no script, no style or image from elsewhere."""
    assert not {"link", "iframe"} & {tag for tag, _, _ in page.attributes}
    assert ("meta", "http-equiv", "Content-Security-Policy") in page.attributes
    for tag, name, value in page.attributes:
        if name in ("src", "href", "srcset", "data", "xlink:href"):
            assert value.startswith("data:image/webp;base64,"), (tag, name)
    assert not re.search(r"https?://|@import|url\(", page.source)


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for the script of Plotly, which holds addresses that it does not ask for."""
    monkeypatch.setattr(page_module, "plotly_script", lambda: "var Plotly;")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A real run of one iteration."""
    work_dir = tmp_path_factory.mktemp("work")
    recipe = ROOT / "configs/rooms/demo.py"
    with pytest.MonkeyPatch.context() as patch:
        run_tool(patch, "train.py", recipe, "--work-dir", work_dir, "--cfg-options", *TINY)
    return work_dir


def test_a_page_of_runs_written_by_hand(tmp_path, monkeypatch, capsys) -> None:
    published = dict(name="A < B", published={"depth/d1": 0.7586})
    for seed, d1 in ((1, 0.2), (2, 0.4)):
        log = full_log({"depth/d1": d1})
        write_run(tmp_path / f"seed_{seed}", config(seed=seed, experiment=published), log)
    killed = full_log({"depth/d1": 0.9}, epochs=3)[:4]
    write_run(tmp_path / "seed_3", config(seed=3, experiment=published), killed)
    (tmp_path / "empty").mkdir()
    folders = [tmp_path / name for name in ("seed_1", "seed_2", "empty", "seed_3")]
    run_tool(monkeypatch, "analysis/results.py", *folders, "--out", tmp_path / "out")
    output = capsys.readouterr()
    assert f"left out {tmp_path / 'empty'}: FileNotFoundError" in output.err
    assert "| A \\< B | 2 (1 incomplete) | 0.3000 ± 0.1414 | 0.7586 |" in output.out

    page = Page(tmp_path / "out/results.html")
    assert_self_contained(page)
    for text in ("A < B", "0.3000 ± 0.1414", "0.7586", "2 (1 incomplete)"):
        assert text in page.texts
    whole = " ".join(page.texts)
    assert "A < B, seed 3: incomplete: epoch 2 of 2; in no average." in whole
    assert f"{tmp_path / 'empty'} could not be read" in whole
    # two runs whole and one dashed, in each of validation (d1) and training (loss)
    assert page.source.count('"type": "scatter"') == 6
    assert page.source.count('"dash": "dash"') == 2
    assert page.images == []
    assert "its checkpoint is not there" in whole
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"results.html", "results.md", "results.csv", "runs.csv"}


def test_a_real_run(trained: Path, tmp_path, monkeypatch, capsys) -> None:
    run_tool(monkeypatch, "analysis/results.py", trained, "--out", tmp_path)
    page = Page(tmp_path / "results.html")
    assert_self_contained(page)
    assert "complete" in page.texts
    # six of the eight test images, each with: image; truth, key and prediction of both tasks
    assert len(page.images) == 6 * (1 + 2 * 3)
    titles = [text for text in page.texts if text.startswith("image ") and " of 8: " in text]
    assert [int(title.split()[1]) for title in titles] == [1, 3, 4, 5, 7, 8]
    assert re.search(r"\| demo \| 1 \| 1 epoch \| [1-9]\.\d\d M ", capsys.readouterr().out)

    # the images are kept, until the checkpoint is another one
    (cache,) = (trained / "panels").iterdir()
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    run_tool(monkeypatch, "analysis/results.py", trained, "--out", tmp_path)
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == before
    (trained / "epoch_1.pth").touch()
    run_tool(monkeypatch, "analysis/results.py", trained, "--out", tmp_path)
    assert len(list((trained / "panels").iterdir())) == 2


@pytest.mark.slow
def test_two_real_runs_side_by_side(trained: Path, tmp_path, monkeypatch, capsys) -> None:
    other = tmp_path / "other"
    options = [*TINY, "randomness.seed=5"]
    recipe = ROOT / "configs/rooms/demo.py"
    run_tool(monkeypatch, "train.py", recipe, "--work-dir", other, "--cfg-options", *options)
    run_tool(monkeypatch, "analysis/results.py", trained, other, "--out", tmp_path / "out")
    page = Page(tmp_path / "out/results.html")
    assert re.search(r"\| demo \| 2 \| 1 epoch \|", capsys.readouterr().out)
    # image, truth and key once, then the predictions of both runs
    assert len(page.images) == 6 * (1 + 2 * 2 + 2 * 2)
    assert len(set(page.images)) > len(page.images) * 3 / 4  # the keys are the same


def test_images_can_be_left_out(trained: Path, tmp_path, monkeypatch) -> None:
    run_tool(monkeypatch, "analysis/results.py", trained, "--no-panels", "--out", tmp_path)
    page = Page(tmp_path / "results.html")
    assert page.images == []
    assert "Test images" not in page.texts


def test_data_that_are_not_there_are_named(trained: Path, tmp_path, monkeypatch) -> None:
    """The scores stand all the same."""
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in ("epoch_1.pth", "last_checkpoint", "demo.py"):
        (moved / file).write_bytes((trained / file).read_bytes())
    (log,) = trained.glob("*/vis_data/scalars.json")
    folder = moved / "20260101_000000/vis_data"
    folder.mkdir(parents=True)
    (folder / "scalars.json").write_bytes(log.read_bytes())
    elsewhere = "dict(type='NYUv2Dataset', data_root='nowhere', ann_file='splits/test.txt')"
    with (moved / "demo.py").open("a") as file:
        file.write(f"test_dataloader['dataset'] = {elsewhere}\n")
    run_tool(monkeypatch, "analysis/results.py", moved, "--out", tmp_path / "out")
    page = Page(tmp_path / "out/results.html")
    assert page.images == []
    (note,) = (text for text in page.texts if "no images" in text)
    assert "no data set at" in note
    assert "nowhere" in note
    assert "Last validation: depth" in page.texts


def test_nothing_readable_is_an_error(tmp_path, monkeypatch) -> None:
    with pytest.raises(RuntimeError, match="none of the work dirs could be read"):
        run_tool(monkeypatch, "analysis/results.py", tmp_path / "none", "--out", tmp_path / "out")


def test_a_table_that_no_run_is_in(tmp_path, monkeypatch) -> None:
    entry = dict(name="A", rows={"4.10": "Regular"})
    write_run(tmp_path / "a", config(experiment=entry), full_log({"depth/d1": 0.5}))
    with pytest.raises(RuntimeError, match=r"4\.99: no run .*experiment\.rows\) name 4\.10"):
        run_tool(monkeypatch, "analysis/results.py", tmp_path / "a", "--table", "4.99")


def test_a_config_that_cannot_be_read_is_named(tmp_path, monkeypatch, capsys) -> None:
    write_run(tmp_path / "a", config(), full_log({"depth/d1": 0.5}))
    (tmp_path / "b").mkdir()
    (tmp_path / "b/odd.py").write_text("value = 1 / 0")
    arguments = [tmp_path / "a", tmp_path / "b", "--no-panels", "--out", tmp_path / "out"]
    run_tool(monkeypatch, "analysis/results.py", *arguments)
    assert "odd.py cannot be read: ZeroDivisionError" in capsys.readouterr().err
