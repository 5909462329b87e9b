"""The benchmark measures what it says; no time is asserted."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "analysis"))

from benchmarks import (
    checkpointing,
    encoders,
    input_pipeline,
    listing,
    methods,
    metrics,
    resnets,
    start,
    steps,
    tasks,
    whole_training,
)
from benchmarks.counted import counted_megabytes
from benchmarks.flush_denormals import Flushed
from benchmarks.machine import Machine, count_case_flops, count_flops, training_step
from benchmarks.memory import peak_megabytes
from benchmarks.naive_swin import NaiveCondSwin
from benchmarks.swins import ALL, SIZES, Rowwise, third_stage
from benchmarks.tables import Table
from benchmarks.timing import Spread, interleaved
from benchmarks.training_steps import Load, compare

from tests.models._models import perturb

TOOL = str(Path(__file__).parents[2] / "tools" / "analysis" / "benchmark.py")
MACHINE = Machine("cpu", torch.float32, rounds=2, rate=1e9)
SMALL = dict(size="tiny", images=2, side=32)
TINY = Load("tiny", images=1, side=32, tasks=2)


def _here(work: Callable[..., None], device: str, *arguments: object) -> float:
    """Do what is done in a process of its own, without one."""
    work(*arguments)
    return 7.2


def test_cases_take_turns_and_only_measured_rounds_count() -> None:
    """A clock that each case moves on by its own time; the first round is slower."""
    now, order = [0.0], []

    def case(name: str, seconds: float) -> None:
        order.append(name)
        now[0] += seconds + (10 if len(order) <= 2 else 0) + (1 if len(order) > 8 else 0)

    found = interleaved(
        {"a": lambda: case("a", 1.0), "b": lambda: case("b", 3.0)},
        rounds=4,
        warmup=1,
        clock=lambda: now[0],
    )
    assert order == ["a", "b"] * 5
    assert found == {"a": Spread(1.0, 1.0, 1.25), "b": Spread(3.0, 3.0, 3.25)}


def test_waiting_is_part_of_the_time() -> None:
    now = [0.0]

    def wait() -> None:
        now[0] += 2.0

    found = interleaved({"a": lambda: None}, rounds=3, warmup=0, wait=wait, clock=lambda: now[0])
    assert found["a"].median == 2.0


def test_operations_are_counted() -> None:
    linear = torch.nn.Linear(5, 7, bias=False)
    assert count_flops(lambda: linear(torch.zeros(3, 5))) == 2 * 3 * 5 * 7
    query = torch.zeros(1, 2, 3, 4)
    attend = torch.nn.functional.scaled_dot_product_attention
    assert count_flops(lambda: attend(query, query, query)) == 2 * 2 * (2 * 3 * 3 * 4)


def test_a_step_has_three_times_the_operations() -> None:
    linear = torch.nn.Linear(5, 7, bias=False)
    forward = lambda: linear(torch.zeros(3, 5))  # noqa: E731
    assert count_case_flops(forward, train=False) == 210
    assert count_case_flops(forward, train=True) == 630
    assert MACHINE.share(630, 2e-6) == "32%"  # of 1e9 a second


def test_a_step_changes_the_weights_and_leaves_no_gradient() -> None:
    linear = torch.nn.Linear(2, 2)
    before = linear.weight.clone()
    training_step(MACHINE, linear, lambda: [linear(torch.ones(1, 2))])()
    assert not torch.equal(linear.weight, before)
    assert linear.weight.grad is None


@pytest.mark.parametrize("side", [32, 41])
def test_the_naive_encoder_computes_what_ours_does(side: int) -> None:
    """Outputs, and in float64 the gradients of all weights and of the embeddings."""
    torch.manual_seed(0)
    settings = dict(window_size=4, drop_path_rate=0.0)
    ours = Rowwise("tiny", ALL, tasks=3, images=2, **settings).double().eval()
    perturb(ours.parameters(), std=0.1)
    naive = NaiveCondSwin(ALL, **SIZES["tiny"], **settings).double()
    naive.eval()  # mmseg's returns nothing
    naive.load_state_dict(ours.encoder.state_dict())
    images = torch.randn(2, 3, side, side, dtype=torch.float64)
    maps = ours(images)
    z = ours.embedding(ours.embedding.tasks)
    per_task = naive.passes(images, z)
    wanted = [torch.cat(level) for level in zip(*per_task, strict=True)]
    # mmseg masks with -100 where ours has −∞, of which exp(-100) is left
    torch.testing.assert_close(maps, wanted, rtol=1e-7, atol=1e-9)

    sum(out.square().sum() for out in maps).backward(retain_graph=True)
    vectors = {n: p.grad.clone() for n, p in ours.embedding.named_parameters()}
    ours.embedding.zero_grad()
    sum(out.square().sum() for out in wanted).backward()
    for name, parameter in naive.named_parameters():
        own = ours.encoder.get_parameter(name).grad
        torch.testing.assert_close(own, parameter.grad, rtol=1e-6, atol=1e-8, msg=name)
    for name, parameter in ours.embedding.named_parameters():
        torch.testing.assert_close(vectors[name], parameter.grad, rtol=1e-6, atol=1e-8)


def test_rows_from_the_third_stage_on() -> None:
    assert third_stage("S") == dict.fromkeys(("attention", "norm", "adapter"), (0, 0, 18, 0))
    model = Rowwise("tiny", third_stage("tiny"), tasks=3, images=2)
    assert [len(out) for out in model(torch.zeros(2, 3, 32, 32))] == [6] * 4
    assert model.encoder.branch_point == (2, 0)


@pytest.mark.parametrize(
    ("measure", "settings", "titles", "rows"),
    [
        pytest.param(
            encoders.measure,
            dict(sizes=("tiny",), images=2, side=32, peak=_here),
            2,
            (3, 4),
            id="encoders",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            resnets.measure,
            dict(depth=18, images=2, side=32),
            2,
            (2, 2),
            id="resnets",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            tasks.measure_tasks,
            SMALL | dict(numbers=(1, 2), peak=_here),
            2,
            (6, 6),
            id="tasks",
            marks=pytest.mark.slow,
        ),
        pytest.param(tasks.measure_price, SMALL, 2, (5, 5), id="price", marks=pytest.mark.slow),
        pytest.param(tasks.measure_plan, SMALL, 1, (2,), id="plan"),
        pytest.param(tasks.measure_folded, SMALL, 1, (3,), id="folded"),
    ],
)
def test_parts(measure, settings: dict, titles: int, rows: tuple[int, ...]) -> None:
    tables = measure(MACHINE, **settings)
    assert len(tables) == titles
    assert tuple(len(table.rows) for table in tables) == rows
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        if "peak MiB" in table.columns:
            assert {row[-1] for row in table.rows} <= {7, "–"}
        assert table.markdown().count("\n|") == len(table.rows) + 2


def _hold(megabytes: int) -> None:
    torch.ones(megabytes * 2**18)


@pytest.mark.slow
def test_memory_is_that_of_a_process_of_its_own() -> None:
    assert 190 < peak_megabytes(_hold, "cpu", 200) < 260


def _denormals(number: int) -> Callable[[], int]:
    """Make them with all threads of the pool and count them by their bits."""

    def count() -> int:
        products = torch.full((number,), 2e-38) * 1e-3
        return sum(bits != 0 for bits in products.view(torch.int32).tolist())

    return count


@pytest.mark.slow
def test_denormals_are_flushed_in_all_threads_of_one_process_alone() -> None:
    number = 2**18  # more than PyTorch gives to one thread
    assert _denormals(number)() == number
    with Flushed(_denormals, number) as flushed:
        assert flushed() == 0
        assert _denormals(number)() == number
    assert flushed._process.exitcode == 0


def _failing() -> Callable[[], None]:
    return lambda: sys.exit(3)


@pytest.mark.slow
def test_a_flushed_case_that_ends_is_no_endless_wait() -> None:
    with Flushed(_failing) as flushed, pytest.raises(RuntimeError, match="exit status 3"):
        flushed()


def test_input_is_prepared_in_one_thread() -> None:
    cv2, threads = input_pipeline.cv2, torch.get_num_threads()
    before = cv2.getNumThreads()
    torch.set_num_threads(2)
    cv2.setNumThreads(2)
    try:
        with input_pipeline._one_thread():
            assert (cv2.getNumThreads(), torch.get_num_threads()) == (1, 1)
        assert (cv2.getNumThreads(), torch.get_num_threads()) == (2, 2)
    finally:
        cv2.setNumThreads(before)
        torch.set_num_threads(threads)


def test_a_photograph_is_decoded_whole_and_by_its_crop(monkeypatch) -> None:
    monkeypatch.setattr(input_pipeline, "PHOTOGRAPH", (480, 640))
    (table,) = input_pipeline.measure(data=None, images=2, repeats=1)
    assert {row[0]: row[1] for row in table.rows} == {
        "rendered rooms, all tasks": "64×96",
        "photograph of 12 megapixels, decoded whole": "224×224",
        "photograph of 12 megapixels, decoded by its crop": "224×224",
    }


@pytest.mark.slow
def test_recomputed_activations_take_less() -> None:
    (table,) = checkpointing.measure(MACHINE, size="T", images=2, side=96, tasks=2)
    peaks = {name: peak for name, peak, _ in table.rows}
    assert peaks["activations recomputed"] < peaks["plain"]


@pytest.mark.slow
def test_steps_are_measured() -> None:
    tables = steps.measure(MACHINE, TINY, peak=_here)
    assert [table.title for table in tables] == [
        "Training steps, Swin-tiny, plan all",
        "Training steps, Swin-tiny, plan 0-0-6-2",
    ]
    for table in tables:
        assert [row[0] for row in table.rows] == list(steps.WAYS)
        assert table.rows[0][2:] == ("1.00", 7, "1.00")


def test_methods_are_measured() -> None:
    (table,) = methods.measure(MACHINE, TINY, peak=_here)
    assert [row[0] for row in table.rows] == [*methods.OURS, methods.TORCHJD]
    assert table.rows[0][2:] == ("1.00", 7, "1.00")


def test_bytes_are_counted_without_data() -> None:
    def work() -> None:
        first = torch.ones(2**18)  # 1 MiB
        second = first[:5] + first.sum().item()  # 20 bytes, and 4 for the sum
        del first
        torch.ones(2**19).add_(second[0])

    assert counted_megabytes(work, "cpu") == pytest.approx(2 + 20 / 2**20, abs=1e-6)


@pytest.mark.slow
def test_counted_memory_of_the_steps() -> None:
    machine = replace(MACHINE, rounds=0)

    def counted(way: str, tasks: int) -> float:
        load = Load("tiny", images=8, side=64, tasks=tasks)
        table = compare(
            machine,
            "",
            {way: partial(steps._step, machine, load, way, ALL)},
            note="",
            peak=counted_megabytes,
        )
        return table.rows[0][3]

    one, by_task = counted("all tasks", 1), counted("task by task", 3)
    assert one <= by_task < counted("all tasks", 3)
    assert by_task < 1.5 * one


def test_our_metrics_keep_no_more_of_more_images() -> None:
    (table,) = metrics.measure(numbers=(5, 200), size=(8, 8))
    kept = {(name, number): memory for name, number, _, memory in table.rows}
    for name in ("MultiTaskDepthMetric", "MultiTaskIoUMetric"):
        assert kept[name, 200] == pytest.approx(kept[name, 5], abs=0.01)
    assert kept["mmseg's IoUMetric", 200] > 10 * kept["mmseg's IoUMetric", 5]


def test_json_holds_the_numbers_of_the_table() -> None:
    table = Table("T", ("a", "ms"), [("x", Spread(0.001, 0.0025, 0.003)), ("y", 1.23456)], "n")
    found = json.loads(json.dumps(table.json()))
    assert found["rows"] == [["x", dict(low=0.001, median=0.0025, high=0.003)], ["y", 1.23456]]
    assert table.markdown() == (
        "### T\n\nn\n\n| a | ms |\n| --- | --- |\n| x | 2.5 (1–3) |\n| y | 1.23 |\n"
    )


def test_memory_alone_without_rounds() -> None:
    ran = []
    peak = {"a": 10.0, "b": 4.0}

    def step(name: str) -> Callable[[], None]:
        return lambda: ran.append(name)

    def measured(work: Callable, device: str, make: Callable) -> float:
        work(make)
        return peak[ran[-1]]

    steps_ = {name: partial(step, name) for name in peak}
    table = compare(replace(MACHINE, rounds=0), "x", steps_, note="", peak=measured)
    assert table.rows == [("a", "–", "–", 10, "1.00"), ("b", "–", "–", 4, "0.40")]
    assert ran == ["a", "a", "b", "b"]  # twice each, and not once more for a time


@pytest.mark.slow
def test_an_unknown_part_is_named() -> None:
    done = subprocess.run([sys.executable, TOOL, "speed"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no part speed; there are encoders, resnets, tasks, price" in done.stderr


def test_the_command_line_writes_what_it_prints(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(start, "measure", lambda: [Table("M", ("x",), [(1.5,)])])
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "start", "--json", str(out)])
    monkeypatch.setattr("benchmarks.machine.product_rate", lambda device, dtype: 2e9)
    runpy.run_path(TOOL, run_name="__main__")
    printed = capsys.readouterr().out
    assert "reaches 2 GFLOP/s" in printed
    assert "### M\n\n| x |\n| --- |\n| 1.5 |" in printed
    found = json.loads(out.read_text())
    assert found["product_rate"] == 2e9
    assert found["tables"] == [dict(part="start", title="M", columns=["x"], rows=[[1.5]], note="")]


def test_images_a_second_of_two_trainings_one_after_the_other() -> None:
    seconds = {"ours, both tasks": [0.5], "theirs, a": [0.4], "theirs, b": [0.6]}
    rows = {row[0]: row[2:] for row in whole_training.table(seconds, 4, "").rows}
    assert rows["ours, both tasks"] == (8.0, 2.0)
    assert rows["theirs, a"] == (10.0, "–")
    assert rows["mmseg's encoder, one after the other"] == (4.0, 1.0)


def test_the_clock_leaves_the_first_iterations_out() -> None:
    clock = whole_training.Clock(MACHINE)
    clock.ends = [0.0, 9.0, 20.0, 21.0, 24.0]
    assert clock.seconds == 2.0


@pytest.mark.slow  # waits until the file system's clock has moved on
def test_a_cached_listing_is_what_is_read() -> None:
    (table,) = listing.measure(buildings=2, views=3)
    images, _, mebibytes = table.rows[0]
    assert (images, mebibytes > 0) == (6, True)


@pytest.mark.slow
def test_whole_trainings() -> None:
    (found,) = whole_training.measure(
        replace(MACHINE, rounds=1),
        config="configs/rooms/swin_cond_rooms.py",
        images=2,
        side=32,
        iterations=4,
    )
    assert len(found.rows) == 4
    assert all(row[2] > 0 for row in found.rows)
