"""The server by its HTTP API, and what it refuses, on the loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mmengine.config import Config
from PIL import Image

from mtlplugins.web.mixer import OWN, presets
from mtlplugins.web.serve.downloads import Downloads
from mtlplugins.web.serve.handlers import Handlers
from mtlplugins.web.serve.served import ServedModel
from mtlplugins.web.serve.server import serving
from tests.web.test_uploads import png_that_says
from tests.web.tiny import CONFIG, TASKS, TINY, write_checkpoint


@pytest.fixture(scope="module")
def url(model: ServedModel, photo: Path) -> Iterator[str]:
    with serving([model], examples=[photo]) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str) -> Client:
    return Client(url, verbose=False)


def ask(client: Client, image: Path, **options: object) -> tuple[list[dict], list[str] | None]:
    values = dict(tasks=["depth"], mixture=None, files=False) | options
    return client.predict(handle_file(str(image)), **values, api_name="/predict")


def test_the_example_of_the_documentation(
    url: str, model: ServedModel, photo: Path, tmp_path: Path, monkeypatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/serve.md").read_text()
    code = page[page.index("```python\n") + 10 :]
    code = code[: code.index("```")].replace("http://127.0.0.1:7860", url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(photo.read_bytes())
    names: dict = {}
    exec(code, names)
    own = model.predict(Image.open(photo), ["depth"], dict(depth=dict(semantic=1, depth=5)))
    np.testing.assert_allclose(names["metres"], own.prediction["depth"].data, rtol=1e-5)


def test_only_asked_tasks_are_predicted(client: Client, photo: Path, model: ServedModel) -> None:
    (described,), files = ask(client, photo, tasks=["depth", "scene"])
    assert files is None
    assert list(described["tasks"]) == ["depth", "scene"]
    own = model.predict(Image.open(photo), ["depth", "scene"]).prediction
    depth, scene = described["tasks"].values()
    assert depth["shape"] == [64, 96]
    assert depth["unit"] == "m"
    assert depth["max"] == pytest.approx(float(own["depth"].data.max()))
    assert list(scene["scores"].values()) == pytest.approx(own["scene"].scores.tolist())
    (everything,), _ = ask(client, photo, tasks=[])
    assert list(everything["tasks"]) == list(model.tasks)
    assert sum(everything["tasks"]["semantic"]["shares"].values()) == pytest.approx(1, abs=1e-3)


def test_files_are_those_of_the_prediction(client: Client, photo: Path, model: ServedModel) -> None:
    _, files = ask(client, photo, tasks=["semantic", "depth"], files=True)
    by_name = {Path(file).name: file for file in files}
    assert list(by_name) == ["panel.png", "semantic.npy", "depth.npy", "predictions.json"]
    own = model.predict(Image.open(photo), ["semantic", "depth"]).prediction
    assert (np.load(by_name["semantic.npy"]) == own["semantic"].data).all()
    np.testing.assert_allclose(np.load(by_name["depth.npy"]), own["depth"].data, rtol=1e-5)
    assert (np.asarray(Image.open(by_name["panel.png"])) == own.panel()).all()
    assert list(json.loads(Path(by_name["predictions.json"]).read_text())["tasks"]) == list(own)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(mixture=dict(depth=dict(edges=1))), "unknown task 'edges'"),
        (dict(mixture=dict(depth=dict(depth=0))), "no task has a weight above 0"),
        (dict(mixture=[1]), "give weights by task"),
        (dict(mixture=dict(depth=dict(depth="a lot"))), "give weights by task"),
        (dict(tasks=["edges"]), "'edges'"),
    ],
)
def test_errors_are_text(client: Client, photo: Path, options: dict, words: str) -> None:
    with pytest.raises(AppError, match=words):
        ask(client, photo, **options)


@pytest.mark.parametrize(
    ("content", "words"),
    [(png_that_says(9_000, 9_000), "million pixels"), (b"no image", "cannot be read")],
)
def test_bad_images_are_refused_in_words(
    client: Client, content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(AppError, match=words):
        ask(client, tmp_path / "a.png")


def test_files_of_the_server_stay_there(client: Client, url: str) -> None:
    for path in ("/etc/hostname", str(Path(__file__)), "setup.py"):
        assert httpx.get(f"{url}gradio_api/file={path}").status_code in (403, 404)
    elsewhere = dict(path=str(Path(__file__).resolve()), meta=dict(_type="gradio.FileData"))
    for given in (elsewhere, dict(elsewhere, path="http://127.0.0.1:1/a.png")):
        with pytest.raises(AppError):
            client.predict(given, ["depth"], None, False, api_name="/predict")


def test_large_requests_are_refused(url: str) -> None:
    body = bytes(22 * 2**20)
    answer = httpx.post(f"{url}gradio_api/upload", content=body)
    assert (answer.status_code, answer.text) == (413, "the request is larger than 21 MiB")

    def pieces() -> Iterator[bytes]:  # without a length in its header
        yield from (body[: 2**20] for _ in range(22))

    with suppress(httpx.TransportError):  # the connection was closed
        assert httpx.post(f"{url}gradio_api/upload", content=pieces()).status_code >= 400


def test_many_clients_lose_nothing(url: str, photo: Path) -> None:
    ask_many(url, photo, clients=3, times=4)


@pytest.mark.slow
def test_sixteen_clients_ask_two_hundred_times(checkpoint: str, photo: Path) -> None:
    """A server in a process of its own, whose memory is not that of the clients."""
    command = [sys.executable, "-m", "mtlplugins", "serve", CONFIG, checkpoint]
    options = ["--device=cpu", "--cfg-options", *TINY]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        try:
            address = next(line for line in server.stdout if line.startswith("http")).split()[0]
            ask_many(address, photo, clients=16, times=3)  # the first ones claim memory once
            before = resident(server.pid)
            ask_many(address, photo, clients=16, times=200 // 16 + 1)
            assert resident(server.pid) - before < 48 * 2**20
        finally:
            server.terminate()
    assert server.returncode == 0


def ask_many(url: str, photo: Path, *, clients: int, times: int) -> None:
    """Ask at once, each client for another mixture, which the answers must match."""

    def one(number: int) -> set[tuple[float, ...]]:
        client = Client(url, verbose=False)
        mixture = dict(depth=dict(semantic=1, depth=number / 4))
        answers = [ask(client, photo, mixture=mixture)[0][0] for _ in range(times)]
        depths = [answer["tasks"]["depth"] for answer in answers]
        return {(depth["min"], depth["median"], depth["max"]) for depth in depths}

    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(one, range(clients)))
    assert all(len(answers) == 1 for answers in found)
    assert len(set().union(*found)) == clients


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_a_client_that_never_sends_stops_nobody(client: Client, url: str, photo: Path) -> None:
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port)) as slow:
        slow.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\nx")
        assert ask(client, photo)[0][0]["tasks"]["depth"]["shape"] == [64, 96]


def test_two_checkpoints_answer_side_by_side(
    config: Config, model: ServedModel, photo: Path, tmp_path: Path
) -> None:
    other = ServedModel(config, write_checkpoint(config, tmp_path / "second.pth", seed=1), "cpu")
    handlers = Handlers([model, other], Downloads(tmp_path))
    described, files = handlers.request(str(photo), ["depth"], None, True)
    assert [one["checkpoint"] for one in described] == ["first", "second"]
    assert described[0]["tasks"]["depth"] != described[1]["tasks"]["depth"]
    names = [Path(file).name for file in files]
    assert names[:3] == ["1_panel.png", "1_depth.npy", "1_predictions.json"]
    own = [weight for row in presets(TASKS)[OWN].values() for weight in row.values()]
    cards, message, cosines = handlers.show(str(photo), TASKS, *own)
    assert cards.count("<span>first</span>") == cards.count("<span>second</span>") == 3
    assert message.count(" s") == 2
    assert cosines.count("<table") == 2
