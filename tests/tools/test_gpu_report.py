"""The GPU report: order, time limits, docs, and a rehearsal on a CPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from tests._data import make_cifar, make_nyuv2
from tests.tools.command import ROOT, load_tool

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "gpu_report"))

from gpu_steps import parity, samples, synchronisation, training
from gpu_steps.records import Records, finished_steps, read_records
from gpu_steps.steps import STEPS, Setting, Step, steps_for

TOOL = ROOT / "tools" / "gpu_report"
RUN, RENDER, PACK = (load_tool(f"gpu_report/{name}.py") for name in ("run", "render", "pack"))
FAKE = """
import json, time

class Table:
    def __init__(self, title): self.title = title
    def json(self): return dict(title=self.title, columns=["a"], rows=[[1]], note="")
    def markdown(self): return f"### {self.title}"

def good(setting, title="good"):
    yield Table(title)

def broken(setting):
    yield Table("begun")
    raise ValueError("no such thing")

def endless(setting):
    yield Table("begun")
    time.sleep(600)

def dying(setting):
    import os
    os._exit(3)
    yield
"""


@pytest.fixture
def setting(tmp_path) -> Setting:
    return Setting("cpu", rehearse=True, carried=tmp_path / "carried", scratch=tmp_path)


def table(step: str, title: str, columns: list[str], *rows: list) -> dict:
    found = dict(title=title, columns=columns, rows=list(rows), note="")
    return dict(step=step, table=found, markdown=f"### {title}\n\ntable of {title}\n")


def test_a_record_after_one_that_was_cut_short_is_whole(tmp_path) -> None:
    records = Records(tmp_path / "part1.jsonl")
    records.add(step="a", status="done")
    records.path.write_bytes(records.path.read_bytes() + b'{"step": "b", "sta')
    records.add(step="c", status="failed: ö")
    assert [(r["step"], r["status"]) for r in read_records(tmp_path)] == [
        ("a", "done"),
        ("c", "failed: ö"),
    ]
    assert finished_steps(tmp_path) == {"a"}


def test_the_report_continues_after_steps_that_fail(tmp_path, monkeypatch, setting) -> None:
    """Failing, dying and endless steps; what they had found is there, and nothing runs twice."""
    (tmp_path / "fake_steps.py").write_text(FAKE)
    monkeypatch.syspath_prepend(str(tmp_path))
    out = tmp_path / "out"
    steps = [
        Step("first", 1, 60, "fake_steps:good"),
        Step("broken", 1, 60, "fake_steps:broken"),
        Step("dying", 1, 60, "fake_steps:dying"),
        Step("last", 1, 60, "fake_steps:good", dict(title="x"), dict(title="rehearsed")),
    ]
    RUN["run_part"](steps, setting, out, seconds=60)
    ends = {r["step"]: r["status"] for r in read_records(out) if "status" in r}
    assert ends["first"] == ends["last"] == "done"
    assert ends["broken"] == "failed: ValueError: no such thing"
    assert ends["dying"] == "failed: the process ended with exit status 3"
    titles = [r["table"]["title"] for r in read_records(out) if "table" in r]
    assert titles == ["good", "begun", "rehearsed"]
    assert "ValueError: no such thing" in (out / "part1.log").read_text()

    RUN["run_part"](steps[:1], setting, out, seconds=60)
    assert len([r for r in read_records(out) if r["step"] == "first"]) == 2  # table and status


def test_a_step_that_takes_too_long_is_ended(tmp_path, monkeypatch, setting) -> None:
    (tmp_path / "fake_steps.py").write_text(FAKE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(RUN["run_part"].__globals__, "LEAST", 0.1)
    steps = [Step(name, 1, 60, "fake_steps:endless") for name in ("long", "late")]
    RUN["run_part"](steps, setting, tmp_path / "out", seconds=4)
    ends = {r["step"]: r["status"] for r in read_records(tmp_path / "out") if "status" in r}
    assert ends == {"long": "timed out", "late": "no time left"}


def test_every_step_can_be_found_and_its_configs_exist(setting) -> None:
    for part, minutes in RUN["MINUTES"].items():
        steps = [step for step in STEPS if step.part == part]
        assert len({step.name for step in steps}) == len(steps)
        assert steps[1].seconds < 60 * minutes  # the first ones have their time
        assert {s.measure for s in steps_for(part, setting)} == {s.measure for s in steps}
    for step in STEPS:
        arguments = step.arguments
        named = [*arguments.get("configs", ()), arguments.get("config", "configs")]
        for config in named:
            path = config if config.startswith("configs") else f"configs/cifar/{config}.py"
            assert (ROOT / path).exists(), path
    assert len(STEPS[1].arguments["configs"]) == 10


def test_places_where_a_step_waits_are_counted() -> None:
    def step() -> None:
        for _ in range(2):
            warnings.warn("called a synchronizing CUDA operation (…)")
        warnings.warn("something else")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = synchronisation.waiting_places(step, "cpu")
    assert list(places.values()) == [2]


def test_differences_by_hand() -> None:
    wanted = [torch.tensor([3.0]), torch.tensor([4.0])]
    assert parity.difference([torch.tensor([3.0]), torch.tensor([4.5])], wanted) == pytest.approx(
        0.1
    )
    assert parity.difference([torch.tensor([float("nan")]), wanted[1]], wanted) == float("inf")


@pytest.mark.parametrize("moved", [False, True])
def test_parity_tells_another_network_apart(moved, setting, monkeypatch) -> None:
    """The same weights on the same device agree to the last bit; moved ones do not agree."""
    if moved:
        to = torch.nn.Module.to

        def shifted(module, *args):
            with torch.no_grad():
                next(iter(module.heads.parameters())).add_(0.1)
            return to(module, *args)

        monkeypatch.setattr("mtlplugins.models.MultiTaskModel.to", shifted)
    config = "configs/cifar/vit_multi_cifar10_ours.py"
    cfg = samples.load(config)
    cfg.model.backbone.depth = 1
    monkeypatch.setattr(parity, "load", lambda name: cfg)
    (found,) = parity.measure(setting, configs=[config], images=2)
    name, *differences, verdict = found.rows[0]
    assert name == "vit_multi_cifar10_ours"
    assert (differences == [0, 0, 0]) is not moved
    assert verdict == ("DIFFERS" if moved else "the same")


def test_only_what_was_measured_is_written_into_the_docs(tmp_path) -> None:
    for name in RENDER["FILES"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    columns = ["encoder", "ms (quartiles)", "times as fast as mmseg's"]
    spread = dict(low=0.001, median=0.002, high=0.003)
    records = [
        table("e", "Swin-S, inference, bfloat16", columns, ["ours", spread, 9.9]),
        table("e", "Swin-S, inference, bfloat16", columns, ["ours", spread, 3.14159]),
        dict(step="e", status="done", seconds=1.0),
        dict(step="rows", status="timed out", seconds=40.0),
        table("cifar a", "CIFAR, resnet152_multi_cifar10_ours", ["scores", "label/top1"]),
    ]
    filled = RENDER["render"](records, tmp_path)
    assert filled == ["inference", "tables", "cifar"]
    text = (tmp_path / "docs/benchmark.md").read_text()
    assert "<!-- gpu:inference -->3.14 times in bfloat16<!-- /gpu:inference -->" in text
    assert "<!-- gpu:rows -->not measured<!-- /gpu:rows -->" in text
    assert text.count("table of Swin-S, inference, bfloat16") == 1
    assert "- rows: timed out" in text
    assert "CIFAR" not in text.partition("gpu:tables")[2]
    assert "table of CIFAR" in (tmp_path / "configs/cifar/README.md").read_text()
    assert RENDER["render"](records, tmp_path) == filled  # once more over its own text
    assert (tmp_path / "docs/benchmark.md").read_text() == text


def test_every_figure_has_its_place_in_the_docs() -> None:
    names = [
        name
        for file in RENDER["FILES"]
        for _, name, _, _ in RENDER["_ANCHOR"].findall((ROOT / file).read_text())
    ]
    assert sorted(names) == sorted([*RENDER["FIGURES"], *RENDER["BLOCKS"]])


def test_an_anchor_without_a_figure_is_an_error() -> None:
    with pytest.raises(ValueError, match="anchor gpu:speed: there are only rows"):
        RENDER["fill"]("<!-- gpu:speed -->x<!-- /gpu:speed -->", {"rows": None})


def test_packed_data_come_together_again(tmp_path, setting) -> None:
    root = make_nyuv2(tmp_path / "nyuv2")
    PACK["pack_nyuv2"](root, setting.carried)
    parts = {p.name: len(list(p.glob("image/*"))) for p in setting.carried.iterdir()}
    assert parts == dict(nyuv2_train=2, nyuv2_test=2)
    found = training.data_root(setting, "nyuv2")
    files = {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    assert {p.relative_to(found): p.read_bytes() for p in found.rglob("*") if p.is_file()} == files
    with pytest.raises(FileNotFoundError, match=r"no cifar in .*carried: carry it, see pack\.py"):
        training.data_root(setting, "cifar")


def test_wheels_are_those_of_the_lock_file() -> None:
    wheels = PACK["pinned"]()
    assert "mmengine==0.10.7" in wheels
    assert len(wheels) == len(PACK["PACKAGES"])
    lines = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    assert {line.partition(" ;")[0] for line in lines} >= set(wheels)


@pytest.mark.slow
def test_the_whole_report_is_rehearsed(tmp_path) -> None:
    """Every function of both parts at tiny sizes, by the command that runs on a GPU."""
    root = make_nyuv2(tmp_path / "nyuv2")
    shutil.rmtree(root / "normals")  # to be computed
    PACK["pack_nyuv2"](root, tmp_path / "carried")
    make_cifar(tmp_path / "carried" / "cifar")
    out = tmp_path / "out"
    subprocess.run(
        ["bash", str(TOOL / "run.sh"), str(out), "--rehearse", "--minutes", "60"],
        env=os.environ | dict(CARRIED=str(tmp_path / "carried"), PYTHON=sys.executable),
        check=True,
        cwd=tmp_path,
    )
    records = read_records(out)
    ends = {r["step"]: r["status"] for r in records if "status" in r}
    assert set(ends.values()) == {"done"}, json.dumps(ends)
    for name in RENDER["FILES"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert RENDER["render"](records, tmp_path) == ["tables", "scratch13", "cifar"]
