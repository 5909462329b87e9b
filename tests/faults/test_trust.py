"""Hostile files and values: nothing is executed, written outside the folder or fetched."""

from __future__ import annotations

import html
import os
import pickle
import re
import shlex
import socket
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import nyuv2
import pytest
import torch
from mmengine.structures import PixelData
from nyuv2_labeled import ARRAYS, KNOWN_LABELS, Meta

from mtlplugins.analysis.run_commands import run_steps
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import save_predictions
from tests.faults._in_process import run
from tests.faults.bad_inputs.changes import checkpoint, content
from tests.faults.bad_inputs.entry import options

pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]

RAN = "RAN"


class Call:
    """Pickles as a call, which reading without a guard makes."""

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {RAN}",)


def hostile(state: dict[str, Any]) -> None:
    """Let a checkpoint call a command besides all that it holds."""
    state["meta"]["hook"] = Call()


@pytest.fixture
def untouched(folder: Path, tmp_path: Path) -> Path:
    """The workshop; afterwards nothing ran, and nothing is beside it."""
    yield folder
    assert not list(tmp_path.rglob(RAN))
    assert list(tmp_path.iterdir()) == [folder]


CHECKPOINT = "hostile.pth"
LOADS = {
    "train, as a start": options("rooms.py", f"load_from={CHECKPOINT}"),
    "train, to go on": "train.py rooms.py --work-dir work --resume",
    "train, as the encoder": options(
        "rooms.py",
        "model.backbone.init_cfg.type=Pretrained",
        f"model.backbone.init_cfg.checkpoint={CHECKPOINT}",
    ),
    "train, as mmseg's encoder": options(
        "resnet.py", "model.backbone.type=ResNet", f"model.backbone.pretrained={CHECKPOINT}"
    ),
    "train, as the whole model": options(
        "rooms.py", "model.init_cfg.type=Pretrained", f"model.init_cfg.checkpoint={CHECKPOINT}"
    ),
    "train, as timm's encoder": options(
        "timm_encoder.py",
        "model.backbone.pretrained=False",
        f"model.backbone.checkpoint_path={CHECKPOINT}",
    ),
    "test": f"test.py rooms.py {CHECKPOINT}",
    "test of a work dir": "test.py rooms.py work",
    "predict": f"predict.py photo.png --config rooms.py --checkpoint {CHECKPOINT} --out out",
    "export": f"export.py rooms.py {CHECKPOINT} --out a.onnx",
    "task_embeddings": f"analysis/task_embeddings.py rooms.py {CHECKPOINT}",
}


@pytest.mark.parametrize("command", LOADS.values(), ids=LOADS)
def test_a_hostile_checkpoint_is_not_run(command: str, untouched: Path, monkeypatch) -> None:
    checkpoint(CHECKPOINT, hostile)(untouched)
    checkpoint("work/epoch_1.pth", hostile)(untouched)
    message = run(command, monkeypatch)
    assert message is not None
    assert re.search(r"was not loaded|weights_only=True blocked loading", message)


def test_the_hostile_checkpoint_is_hostile(folder: Path) -> None:
    checkpoint(CHECKPOINT, hostile)(folder)
    torch.load(CHECKPOINT, weights_only=False)
    assert Path(RAN).exists()


def test_images_of_a_run_with_a_hostile_checkpoint(untouched: Path, monkeypatch) -> None:
    """The scores are still there; the page says why there are no images."""
    checkpoint("work/epoch_1.pth", hostile)(untouched)
    assert run("analysis/results.py work", monkeypatch) is None
    assert "was not loaded" in Path("results/results.html").read_text(encoding="utf-8")


def test_counting_looks_at_no_checkpoint(untouched: Path, monkeypatch) -> None:
    checkpoint(CHECKPOINT, hostile)(untouched)
    encoder = LOADS["train, as the encoder"].partition("--cfg-options")[2]
    command = f"analysis/model_stats.py rooms.py --size 32 32 --cfg-options {encoder}"
    assert run(command, monkeypatch) is None


def test_what_a_checkpoint_calls_tasks_and_classes_is_no_path(untouched, monkeypatch) -> None:
    def rename(state: dict[str, Any]) -> None:
        tasks = state["meta"]["dataset_meta"]["tasks"]
        tasks["../../out"] = tasks["depth"]
        tasks["/tmp/out"] = tasks["depth"]
        tasks["scene"]["classes"] = ["../../x", "$(touch RAN)"] + ["<b>"] * 7

    checkpoint(CHECKPOINT, rename)(untouched)
    assert run(LOADS["predict"], monkeypatch) is None
    written = {str(path.relative_to("out")) for path in Path("out").rglob("*.*")}
    assert written == {"photo.png", "semantic/photo.png", "depth/photo.png", "scene/photo.json"}


@pytest.mark.parametrize(
    ("task", "stem"),
    [("../depth", "a"), ("/tmp/depth", "a"), ("depth", "../../a"), ("a/../../depth", "a")],
)
def test_predictions_stay_in_their_folder(task: str, stem: str, tmp_path: Path) -> None:
    sample = MultiTaskDataSample()
    setattr(sample, f"pred_{task}", PixelData(data=torch.ones(1, 2, 2)))
    out = tmp_path / "in" / "out"
    with pytest.raises(ValueError, match="would be written outside of"):
        save_predictions(sample, {task: dict(kind="depth")}, out, stem)
    assert not list(tmp_path.rglob("*.png"))


def test_predictions_of_one_name_in_two_folders_are_both_kept(untouched: Path, monkeypatch) -> None:
    for room, name in (("hall", "c"), ("attic", "d")):
        for kind, suffix in (("photos", ".jpg"), ("labels", ".png"), ("depth", ".png")):
            Path("data", kind, room).mkdir()
            Path("data", kind, name + suffix).rename(Path("data", kind, room, "1" + suffix))
    content("data/val.txt", "hall/1\nattic/1\n")(untouched)
    labels = '{"classes": ["kitchen", "office"], "labels": {"a": "office", "hall/1": "kitchen"}}'
    content("data/rooms.json", labels)(untouched)
    assert run("train.py mine.py --work-dir mine", monkeypatch) is None
    assert run("test.py mine.py mine --out out", monkeypatch) is None
    written = {str(path.relative_to("out")) for path in Path("out/depth").rglob("*.png")}
    assert written == {"depth/hall/1.png", "depth/attic/1.png"}


def test_predictions_do_not_replace_what_they_are_scored_with(untouched: Path, monkeypatch) -> None:
    assert run("train.py mine.py --work-dir mine", monkeypatch) is None
    before = Path("data/depth/c.png").read_bytes()
    message = run("test.py mine.py mine --out data", monkeypatch)
    assert message is not None
    assert "data/depth/c.png would be written over data/depth/c.png" in message
    assert "choose another --out" in message
    assert Path("data/depth/c.png").read_bytes() == before
    assert not Path("data/semantic").exists()
    for _ in range(2):  # what a test wrote itself may be replaced
        assert run("test.py mine.py mine --out data/predicted", monkeypatch) is None


NASTY = ("$(touch RAN)", "; touch RAN #", "`touch RAN`", "../workshop/in", "a b'c\"d")


@pytest.mark.parametrize("name", NASTY)
def test_a_work_dir_is_only_a_name(name: str, untouched: Path, monkeypatch) -> None:
    assert run(f"train.py rooms.py --work-dir {shlex.quote(name)}", monkeypatch) is None
    assert Path(name, "epoch_1.pth").is_file()
    assert run(f"test.py rooms.py {shlex.quote(name)}", monkeypatch) is None


@pytest.mark.parametrize("name", NASTY)
def test_commands_of_a_table_take_names_as_they_are(name: str, untouched: Path) -> None:
    arguments = [sys.executable, "-c", "import sys; open('said', 'w').write(sys.argv[1])", name]
    run_steps([arguments], dry_run=False)
    assert Path("said").read_text() == name


def test_names_in_results_are_text(untouched: Path, monkeypatch) -> None:
    name = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    code = f"_base_ = 'rooms.py'\nexperiment = dict(name={name!r}, rows={{'1': {name!r}}})\n"
    content("named.py", code)(untouched)
    assert run("train.py named.py --work-dir named", monkeypatch) is None
    assert run("analysis/results.py named", monkeypatch) is None
    page = Path("results/results.html").read_text(encoding="utf-8")
    assert html.escape(name) in page
    assert "<script>alert" not in page  # the page has scripts of its own
    assert "</script><img" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_hostile_arrays_are_not_run(suffix: str, untouched: Path, monkeypatch) -> None:
    for name in "abcd":
        save = np.save if suffix == ".npy" else np.savez
        save(untouched / f"data/depth/{name}{suffix}", np.array([Call()], dtype=object))
    change = f"train_dataloader.dataset.targets.depth.suffix={suffix}"
    message = run(options("mine.py", change), monkeypatch)
    assert re.search(rf"data/depth/[ab]\{suffix}: cannot be read", message)


def test_a_bomb_in_an_archive_is_not_unpacked(untouched: Path, monkeypatch) -> None:
    with zipfile.ZipFile("data/depth/a.png", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("depth.npy", bytes(10_000_000))
    message = run("train.py mine.py", monkeypatch)
    assert "data/depth/a.png: cannot be read (cannot identify image file" in message


def test_a_hostile_batch_of_cifar_is_not_run(untouched: Path, monkeypatch) -> None:
    content("cifar/cifar-10-batches-py/data_batch_2", pickle.dumps({b"data": Call()}))(untouched)
    message = run(options("cifar.py", "data_root=cifar"), monkeypatch)
    assert "data_batch_2 is not read" in message
    assert "system, which could run code" in message


def write_mat(path: Path) -> None:
    """Write a file of the official shapes, which holds nothing and takes no room."""
    meta = Meta.official()
    with h5py.File(path, "w") as file:
        for key, (dtype, shape) in ARRAYS.items():
            file.create_dataset(key, (meta.frames, *shape), dtype, chunks=(1, *shape))
        names = [f"label {i}" for i in range(1, len(meta.map894to40))]
        for name, label in KNOWN_LABELS.items():
            names[label - 1] = name
        for key, texts in (("names", names), ("sceneTypes", ["office"] * meta.frames)):
            cells = np.empty((1, len(texts)), dtype=h5py.ref_dtype)
            for i, text in enumerate(texts):
                codes = np.array([[ord(c)] for c in text], np.uint16)
                cells[0, i] = file.create_dataset(f"#refs#/{key}{i}", data=codes).ref
            file[key] = cells


def replace(file: h5py.File, key: str, **new: Any) -> None:
    shape, dtype = file[key].shape, file[key].dtype
    del file[key]
    file.create_dataset(key, shape, dtype, **new)


def _from_other_file(file: h5py.File) -> None:
    replace(file, "images", external=[("secret", 0, h5py.h5f.UNLIMITED)])


def _from_linked_file(file: h5py.File) -> None:
    with h5py.File("secret.h5", "w") as other:
        other.create_dataset("depths", file["depths"].shape, np.float32, chunks=(1, 640, 480))
    del file["depths"]
    file["depths"] = h5py.ExternalLink("secret.h5", "depths")


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(file["labels"].shape, np.uint16)
    layout[:] = h5py.VirtualSource("secret.h5", "labels", file["labels"].shape)
    del file["labels"]
    file.create_virtual_dataset("labels", layout)


def _endless_text(file: h5py.File) -> None:
    huge = file.create_dataset("#refs#/huge", (2**40,), np.uint16, chunks=(2**20,))
    names = file["names"][()]
    names[0, 5] = huge.ref
    file["names"][...] = names


def _endless_list(file: h5py.File) -> None:
    del file["names"]
    file.create_dataset("names", (1, 2**40), h5py.ref_dtype, chunks=(1, 2**10))


MATS = {
    "images that lie in another file": (_from_other_file, "takes its values from another file"),
    "depth behind a link": (_from_linked_file, "takes its values from another file"),
    "labels put together elsewhere": (_virtual, "takes its values from another file"),
    "a text without end": (_endless_text, "names is damaged (a string of 1099511627776"),
    "a list without end": (_endless_list, "names does not list the official 894"),
}


@pytest.mark.parametrize(("change", "words"), MATS.values(), ids=MATS)
def test_a_hostile_mat_is_refused(change, words: str, untouched: Path, monkeypatch) -> None:
    write_mat(untouched / "a.mat")
    Path("secret").write_bytes(b"secret" * 1000)
    with h5py.File("a.mat", "r+") as file:
        change(file)
    message = run("dataset_converters/nyuv2.py a.mat out", monkeypatch)
    assert "a.mat" in message
    assert words in message
    assert not Path("out").exists()


def test_the_mat_is_taken_without_its_hostility(untouched: Path, monkeypatch) -> None:
    write_mat(untouched / "a.mat")
    with h5py.File("a.mat") as file:
        nyuv2.check_labeled(file, meta=Meta.official())


class NoNetwork:
    """Refuses connections, and lists what was asked for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        for owner, name in ((socket.socket, "connect"), (socket, "getaddrinfo")):
            patch.setattr(owner, name, self._refuse)
        patch.setattr(time, "sleep", lambda seconds: None)  # between attempts

    def _refuse(self, *arguments: Any, **more: Any) -> None:
        self.asked.append(arguments)
        raise OSError("there is no network here")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> NoNetwork:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "workshop/torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "workshop/hf"))
    return NoNetwork(monkeypatch)


URL = "https://download.openmmlab.com/mmsegmentation/no_such_file.pth"
WEIGHTS = {
    "none": ("rooms.py", ""),
    "of timm": ("timm_encoder.py", ""),
    "at an address": (
        "rooms.py",
        f"model.backbone.init_cfg.type=Pretrained model.backbone.init_cfg.checkpoint={URL}",
    ),
}
ASKING = {
    "of timm": ("cannot fetch timm's pretrained weights", "model.backbone.pretrained=False"),
    "at an address": (f"cannot read the pretrained encoder {URL}", "model.backbone.init_cfg=None"),
}


@pytest.mark.parametrize(("config", "changes"), WEIGHTS.values(), ids=WEIGHTS)
def test_only_training_fetches_weights(
    config: str, changes: str, untouched: Path, monkeypatch, network: NoNetwork
) -> None:
    plain = "model.backbone.pretrained=False" if config == "timm_encoder.py" else "load_from=None"
    assert run(options(config, plain, "work_dir=trained"), monkeypatch) is None
    more = f" --cfg-options {changes}" if changes else ""
    for command in (
        f"test.py {config} trained{more}",
        f"predict.py photo.png --config {config} --checkpoint trained/epoch_1.pth --out out{more}",
        f"export.py {config} trained/epoch_1.pth --out a.onnx --size 64 64{more}",
        f"analysis/model_stats.py {config} --size 64 64{more}",
        "analysis/results.py trained",
    ):
        assert run(command, monkeypatch) is None, command
    assert network.asked == []


@pytest.mark.parametrize("weights", ASKING)
def test_training_without_a_network_says_what_it_wanted(
    weights: str, untouched: Path, monkeypatch, network: NoNetwork
) -> None:
    config, changes = WEIGHTS[weights]
    message = run(options(config, changes or "load_from=None"), monkeypatch)
    for words in ASKING[weights]:
        assert words in message
    assert network.asked
