"""The folder of a page without a server: its files, and what is refused before any work."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from mtlplugins.web.browser import runtime, write_page
from mtlplugins.web.browser.runtime import read_runtime
from mtlplugins.web.serve.served import ServedModel

FAKE = {name: name.encode() for name in runtime.FILES}


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose files are small, and known by their sums."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FAKE.items()}
    monkeypatch.setattr(runtime, "FILES", sums)
    return pack(tmp_path / "ort.tgz", FAKE)


def test_a_folder_is_written_whole(
    model: ServedModel, config, package: Path, tmp_path: Path, monkeypatch
) -> None:
    asked = {}

    def export(network: object, out: Path, **options: object) -> None:
        asked.update(options)
        out.write_bytes(b"graph")

    monkeypatch.setattr("mtlplugins.web.browser.write.export", export)
    out = tmp_path / "new/page"
    write_page(model.inferencer, config, out, embedding_input=True, runtime=package)
    names = {"index.html", "page.js", "model.js", "draw.js", "page.css", "model.json", "model.onnx"}
    assert {path.name for path in out.iterdir()} == names | set(runtime.FILES)
    assert asked == dict(task=None, size=None, embedding_input=True)
    described = json.loads((out / "model.json").read_text())
    assert described["size"] == [64, 96]
    assert [task["name"] for task in described["tasks"]] == ["semantic", "depth", "scene"]
    assert described["tasks"][1]["unit"] == "m"
    embedding = model.embedding
    assert described["embeddings"][1] == pytest.approx(embedding["depth"].tolist())
    assert described["presets"]["own embeddings"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    with pytest.raises(FileExistsError, match="page is there already: give a new folder"):
        write_page(model.inferencer, config, out, runtime=package)


def test_a_failed_export_leaves_nothing(
    model: ServedModel, config, package: Path, tmp_path: Path, monkeypatch
) -> None:
    def export(*_: object, **__: object) -> None:
        raise RuntimeError("differs")

    monkeypatch.setattr("mtlplugins.web.browser.write.export", export)
    with pytest.raises(RuntimeError, match="differs"):
        write_page(model.inferencer, config, tmp_path / "page", runtime=package)
    assert list(tmp_path.iterdir()) == [package]


def test_another_version_is_refused(package: Path, tmp_path: Path) -> None:
    assert read_runtime(package) == FAKE
    other = dict(FAKE) | {"ort.wasm.min.mjs": b"other"}
    with pytest.raises(ValueError, match=r"ort.wasm.min.mjs is missing or not that of onnx"):
        read_runtime(pack(tmp_path / "other.tgz", other))
    with pytest.raises(ValueError, match="is missing or not"):
        read_runtime(pack(tmp_path / "empty.tgz", {}))
    (tmp_path / "text.tgz").write_text("no archive")
    with pytest.raises(ValueError, match="is no package of npm"):
        read_runtime(tmp_path / "text.tgz")


def test_a_missing_npm_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(RuntimeError, match=r"npm, .* is not installed: .* --runtime"):
        read_runtime()


def test_the_page_allows_nothing_from_elsewhere() -> None:
    page = (Path(runtime.__file__).parent / "static/index.html").read_text()
    assert "default-src 'none'" in page
    for path in (Path(runtime.__file__).parent / "static").iterdir():
        assert "http" not in path.read_text().replace("http-equiv", "")
