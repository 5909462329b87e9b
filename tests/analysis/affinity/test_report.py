"""The report of a small model on rooms, its files, and the weights that gradient norms propose."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mtlplugins.analysis.affinity.draw import draw
from mtlplugins.analysis.affinity.figures import figures
from mtlplugins.analysis.affinity.gradients import gradient_row, scalar_products
from mtlplugins.analysis.affinity.look_ahead import look_ahead
from mtlplugins.analysis.affinity.report import measure
from mtlplugins.analysis.affinity.shared_parts import shared_parts
from mtlplugins.analysis.gradient_norms import gradient_norms, proposed_weights
from mtlplugins.analysis.results import read_run, result_tables, write_page
from mtlplugins.analysis.results.affinity_tables import affinity_tables
from mtlplugins.analysis.training_batches import (
    Batch,
    build_model,
    load_checkpoint,
    training_batches,
)
from mtlplugins.models import MultiTaskModel
from tests.analysis.results.work_dirs import config, full_log, summaries_of, write_run
from tests.models._models import PLANS, model_config, perturb

SIZE = (32, 32)


def rooms_config(**changes) -> Config:
    heads = dict(
        semantic=dict(type="SegmentationHead", in_channels=16, num_classes=14),
        depth=dict(type="DepthHead", in_channels=16, min_depth=0.5, max_depth=10.0),
    )
    preprocessor = dict(type="MultiTaskDataPreprocessor", mean=[127.0] * 3, std=[60.0] * 3)
    model = model_config(PLANS["last blocks"], heads=heads, data_preprocessor=preprocessor)
    data = dict(
        type="RoomsDataset",
        length=8,
        size=SIZE,
        tasks=("semantic", "depth"),
        pipeline=[dict(type="MultiTaskRandomFlip"), dict(type="PackMultiTask")],
    )
    loader = dict(batch_size=4, num_workers=0, sampler=dict(type="DrawSampler"), dataset=data)
    weights = dict(task_weights=dict(depth=3.0))
    return Config(
        dict(model=dict(type="MultiTaskModel", **model, **weights), train_dataloader=loader)
    )


@pytest.fixture(scope="module")
def cfg() -> Config:
    return rooms_config()


@pytest.fixture(scope="module")
def checkpoints(cfg: Config, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("checkpoints")
    model = build_model(cfg)
    for epoch in (1, 2):
        perturb(model.parameters(), std=0.02, seed=epoch)
        torch.save(dict(state_dict=model.state_dict()), folder / f"epoch_{epoch}.pth")
    return [str(folder / f"epoch_{epoch}.pth") for epoch in (1, 2)]


@pytest.fixture(scope="module")
def report(cfg: Config, checkpoints: list[str]) -> dict:
    return measure(cfg, checkpoints, batches=1, step=1e-2)


@pytest.fixture(scope="module")
def loaded(cfg: Config, checkpoints: list[str]) -> tuple[MultiTaskModel, list[Batch]]:
    model = build_model(cfg)
    load_checkpoint(model, checkpoints[-1])
    return model, list(training_batches(cfg, model, 2))


def test_the_last_checkpoint_is_in_the_history(report: dict, loaded) -> None:
    model, batches = loaded
    shared = shared_parts(model)
    tasks = ("semantic", "depth")
    assert report["tasks"] == list(tasks)
    assert (report["batches"], report["images"]) == (1, 4)
    last = report["own"]["history"][-1]
    products = torch.stack([scalar_products(model, shared, tasks, b)["all"] for b in batches[:1]])
    expected = figures(products, torch.tensor([1.0, 3.0]).double())
    assert last["cosine"][0] == pytest.approx(expected.cosine[0].tolist(), rel=1e-4)
    assert last["share"] == pytest.approx(expected.share.tolist(), rel=1e-4)
    ahead = torch.stack([look_ahead(model, shared, tasks, b, step=1e-2) for b in batches[:1]])
    assert last["look_ahead"][0] == pytest.approx(ahead.mean(0)[0].tolist(), rel=1e-3)


def test_all_checkpoints_enter_the_means(report: dict) -> None:
    history = [found["cosine"][0][1] for found in report["own"]["history"]]
    assert len(history) == 2
    assert report["own"]["parts"]["all"]["cosine"][0][1] == pytest.approx(sum(history) / 2)
    assert {"stage 4", "stage 4, block 1", "conditional parts"} <= report["own"]["parts"].keys()
    ahead = [found["look_ahead"][0][1] for found in report["own"]["history"]]
    (best, other) = report["groupings"]
    assert report["own"]["look_ahead"][0][1] == pytest.approx(sum(ahead) / 2)
    assert best["score"] >= other["score"]


def test_folding_to_one_embedding(report: dict, cfg: Config, checkpoints, tmp_path: Path) -> None:
    assert report["folded"]["parts"]["all"]["cosine"] != report["own"]["parts"]["all"]["cosine"]
    # tasks that have the same embedding already: folding changes nothing
    state = torch.load(checkpoints[0])["state_dict"]
    keys = [key for key in state if "task_embedding.vectors" in key]
    for key in keys:
        state[key] = state[keys[0]].clone()
    torch.save(dict(state_dict=state), tmp_path / "same.pth")
    found = measure(cfg, [str(tmp_path / "same.pth")], batches=1)
    own, folded = (found[which]["parts"]["all"]["cosine"] for which in ("own", "folded"))
    for row, same in zip(own, folded, strict=True):
        assert row == pytest.approx(same, rel=1e-4)


def test_files_and_the_section_of_the_results_page(report: dict, tmp_path: Path) -> None:
    work_dir = write_run(tmp_path / "run", config(), full_log({"depth/d1": 0.5}))
    folder = work_dir / "affinity"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(report))
    draw(report, folder)
    run = read_run(work_dir)
    assert run.tested == {}  # the report is no result of a test
    summaries = summaries_of([run])
    tables = [t for t in result_tables(summaries) if t.title.startswith("Task affinity, recipe")]
    assert [t.title.rpartition(": ")[2] for t in tables] == [
        "gradients", "parts", "look-ahead", "norms", "groupings",
    ]  # fmt: skip
    pairs = tables[0]
    assert pairs.rows[0][0].text == "semantic – depth"
    cosine = report["own"]["parts"]["all"]["cosine"][0][1]
    assert pairs.rows[0][1].text.startswith(f"{cosine:.3f} ± ")
    assert all(len(row) == len(t.header) for t in tables for row in t.rows)
    write_page(tmp_path / "page.html", "x", summaries, tables, panels=None, left_out={})
    page = (tmp_path / "page.html").read_text()
    images = re.findall(r'<img alt="[^"]+"[^>]* src="data:image/png;base64,', page)
    assert len(images) == 4  # the script that draws charts may hold others


def test_tables_without_conditioning_and_measured_groupings(report: dict) -> None:
    plain = report | dict(folded=None, rank_correlation=0.5)
    plain["groupings"] = [found | dict(measured=2.5) for found in report["groupings"]]
    tables = {t.title.rpartition(": ")[2]: t for t in affinity_tables(plain, "x")}
    assert "one embedding" not in "".join(tables["gradients"].header)
    assert len(tables["look-ahead"].rows) == 2
    assert tables["groupings"].rows[0][-1].text == "+2.50"
    assert "Rank correlation of both: 0.50" in tables["groupings"].caption


def test_proposed_weights_make_the_norms_equal(loaded) -> None:
    model, batches = loaded
    found = gradient_norms(model, batches)
    shared = shared_parts(model)
    weighted = []
    for task, f in found.items():
        norms = [float(gradient_row(model, shared, task, b).norm()) for b in batches]
        assert f["norm"] == pytest.approx(sum(norms) / 2)
        assert f["deviation"] == pytest.approx(abs(norms[0] - norms[1]) / 2**0.5)
        assert f["batches"] == 2
        weighted.append(f["weight"] * f["norm"])
    assert weighted[0] == pytest.approx(weighted[1])
    assert sum(weighted) == pytest.approx(sum(f["norm"] for f in found.values()))
    assert proposed_weights([1.0, 3.0]) == [2.0, pytest.approx(2 / 3)]
    for wrong in ([0.0, 1.0], [float("nan"), 1.0]):
        with pytest.raises(ValueError, match="no weight makes gradients"):
            proposed_weights(wrong)


def test_what_cannot_be_compared_is_refused(cfg: Config, loaded) -> None:
    model, batches = loaded
    with pytest.raises(ValueError, match="task 'semantic' has no gradient"):
        gradient_norms(model, [Batch(b.images, [_without(s) for s in b.samples]) for b in batches])
    single = rooms_config()
    single.model.tasks = ("depth",)
    with pytest.raises(ValueError, match="a MultiTaskModel that trains two or more"):
        build_model(single)


def _without(sample):
    sample = sample.clone()
    sample.pop("gt_semantic")
    return sample
