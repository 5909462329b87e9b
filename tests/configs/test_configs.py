"""Every config builds, trains a step and predicts, and inherits from bases of disjoint keys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from mmseg.structures import SegDataSample

from mtlplugins.analysis.experiments import experiment_of, experiments
from mtlplugins.apis import load_config
from mtlplugins.datasets.draw_sampler import Draw
from mtlplugins.engine.default_hooks import merge_hooks
from tests._benchmarks import (
    make_cityscapes,
    make_diode,
    make_hypersim,
    make_kitti,
    make_nyud_mt,
    make_pascal_mt,
    make_scannet,
    make_sunrgbd,
    make_taskonomy_dense,
    make_vkitti2,
)
from tests._data import make_cifar, make_nyuv2
from tests._slow import slow_except
from tests.configs._reduced import SIDE, reduce_config
from tests.tools.command import load_tool

ROOT = Path(__file__).parents[2] / "configs"
CONFIGS = sorted(str(p.relative_to(ROOT)) for p in ROOT.rglob("*.py") if "_base_" not in p.parts)
OURS = [name for name in CONFIGS if not name.startswith("mmseg/")]
INHERITED = [name for name in CONFIGS if name.startswith("mmseg/")]
#: One of each encoder, data set and way to condition; the others take minutes together.
QUICK = (
    "cifar/resnet152_multi_cifar10.py",
    "cifar/vit_cond_cifar10_cifar100.py",
    "nyuv2/effnet_lite0_nyuv2.py",
    "nyuv2/small/low_rank_from_rooms_small_nyuv2.py",
    "nyuv2/vit_prompts_nyuv2.py",
    "rooms/swin_cond_4tasks_rooms.py",
    "swin_cond_nyuv2.py",
    "taskonomy/swin_cond_taskonomy.py",
)
# recipes of their own, in one piece
LONG = {
    "nyuv2/resnet18_scratch_nyuv2.py",
    "nyuv2/effnet_lite0_nyuv2.py",
    "nyuv2/effnet_lite0_nyuv2_13.py",
    "nyuv2/balancing/fixed_balancing_nyuv2.py",
    "nyuv2/pretrained/baseline_pretrained_nyuv2.py",
}
#: Benchmarks whose files would be mixed up in one folder.
MAKERS = dict(
    diode=make_diode,
    hypersim=make_hypersim,
    kitti=make_kitti,
    scannet=make_scannet,
    sunrgbd=make_sunrgbd,
    vkitti2=make_vkitti2,
)
THESIS = load_tool("analysis/thesis_table.py")["TABLES"]


@pytest.fixture(scope="module")
def data_root(tmp_path_factory) -> Iterator[str]:
    """Files for the data sets that read some; what they cache goes to a folder of the test's."""
    root = tmp_path_factory.mktemp("data")
    make_nyuv2(root)
    make_taskonomy_dense(root)
    make_nyud_mt(root)
    make_cityscapes(root)
    make_pascal_mt(root)
    for num_classes in (10, 100):
        make_cifar(root, num_classes=num_classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        yield str(root)


@cache
def loaded(name: str) -> Config:
    """A config as it stands; not to be changed."""
    return load_config(str(ROOT / name))


def reduced(name: str, data_root: str) -> Config:
    """A config with little left to compute."""
    if (make := MAKERS.get(family := Path(name).parts[0])) is not None:
        root = Path(data_root, family)
        data_root = str(root if root.exists() else make(root))
    options = dict(data_root=data_root) if "data_root" in loaded(name) else None
    cfg = load_config(str(ROOT / name), options)
    reduce_config(cfg)
    init_default_scope("mmseg")
    torch.manual_seed(0)
    return cfg


def leaves_of(dataset: dict) -> list[dict]:
    """The data sets inside wrappers."""
    if "datasets" in dataset:
        return [leaf for child in dataset["datasets"] for leaf in leaves_of(child)]
    return leaves_of(dataset["dataset"]) if "dataset" in dataset else [dataset]


def items_for(tasks: Sequence[str], dataset: Sequence[dict]) -> list[dict]:
    """Two items of a training data set, and more until every task has a target."""
    items, missing = [], set(tasks)
    for index in range(min(len(dataset), 50)):
        item = dataset[Draw(index, seed=0, number=index)]
        found = {task for task in missing if f"gt_{task}" in item["data_samples"]}
        if found or len(items) < 2:
            items.append(item)
        missing -= found
        if not missing and len(items) > 1:
            break
    return items


def test_there_are_configs() -> None:
    assert "swin_cond_nyuv2.py" in CONFIGS
    assert len(OURS) >= 20
    assert INHERITED


@pytest.mark.parametrize("name", slow_except(OURS, *QUICK))
def test_a_training_step_and_a_prediction(name: str, data_root: str) -> None:
    cfg = reduced(name, data_root)
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    items = items_for(model.tasks, DATASETS.build(cfg.train_dataloader.dataset))
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    logged = model.train_step(pseudo_collate(items), optimizer)
    for task in model.trained_tasks:
        assert logged[f"{task}_loss"].isfinite()
        assert logged[f"{task}_loss"] != 0
    trained = {key for key, p in model.named_parameters() if not torch.equal(p, before[key])}
    assert trained
    assert all(p.requires_grad for key, p in model.named_parameters() if key in trained)

    model.eval()
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    samples = [s.to_dict() for s in model.test_step(pseudo_collate([dataset[0]]))]
    for config in cfg.test_evaluator:
        metric = METRICS.build(config)
        metric.dataset_meta = dataset.metainfo
        metric.process(None, samples)
        scores = metric.evaluate(1)
        assert scores
        assert all(key.split("/")[0] in model.tasks for key in scores)


@pytest.mark.parametrize("name", INHERITED)
def test_a_config_inherited_from_mmseg_trains_a_step_and_predicts(name: str) -> None:
    cfg = Config.fromfile(str(ROOT / name))
    init_default_scope("mmseg")
    reduce_config(cfg)
    torch.manual_seed(0)
    model = MODELS.build({**cfg.model, "data_preprocessor": None})
    model.init_weights()
    sample = SegDataSample(metainfo=dict(img_shape=(SIDE, SIDE), ori_shape=(SIDE, SIDE)))
    sample.gt_sem_seg = PixelData(data=torch.randint(0, 9, (1, SIDE, SIDE)))
    images = torch.randn(2, 3, SIDE, SIDE)
    losses = model.loss(images, [sample, sample])
    assert losses["decode.loss_ce"].isfinite()
    losses["decode.loss_ce"].backward()
    assert next(model.backbone.parameters()).grad.any()
    model.eval()
    predicted = model.predict(images[:1], [sample])[0].pred_sem_seg.data
    assert predicted.shape == (1, SIDE, SIDE)


@pytest.mark.parametrize("name", OURS)
def test_data_and_metrics_fit_the_model(name: str) -> None:
    cfg = loaded(name).copy()
    init_default_scope("mmseg")
    tasks = tuple(cfg.model.get("tasks") or cfg.model.heads)
    # helper tasks train the encoder, and are not scored
    made = [d for d in leaves_of(cfg.train_dataloader.dataset) if "MakeTargets" in str(d.pipeline)]
    helpers = {task for dataset in made for task in dataset.targets}
    assert {metric["task"] for metric in cfg.val_evaluator} == set(tasks) - helpers
    for metric in cfg.val_evaluator:
        METRICS.build(metric)
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    for part, loader in zip(("train", "val", "test"), loaders, strict=True):
        found = set()
        for dataset in leaves_of(loader.dataset):
            for transform in dataset.pipeline:
                TRANSFORMS.build(transform)
            described = DATASETS.build({**dataset, "lazy_init": True}).metainfo["tasks"]
            found |= set(described)
            for task, entry in described.items():
                if "classes" in entry:
                    assert cfg.model.heads[task].num_classes == len(entry["classes"])
        trained = set(tasks) - set(cfg.model.get("frozen_tasks", ()))
        assert found == (trained if part == "train" else set(tasks) - helpers)
    for hook in filter(None, merge_hooks(cfg.get("default_hooks"), None)[0].values()):
        assert HOOKS.build(hook) is not None


@pytest.mark.parametrize("name", OURS)
def test_leaf_configs_are_short(name: str) -> None:
    text = re.sub(r"_base_ = (\[[^]]*\]|.*)\n", "", (ROOT / name).read_text())
    code = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(code) <= 15 or name in LONG


def test_schedules_end_with_the_training() -> None:
    for name in OURS:
        cfg = loaded(name)
        for schedule in cfg.param_scheduler:
            assert schedule["total_steps"] == cfg.train_cfg.max_epochs, name


def test_the_headline_config_is_the_thesis_best_model() -> None:
    cfg = loaded("swin_cond_nyuv2.py")
    init_default_scope("mmseg")
    model = MODELS.build(cfg.model)
    blocks = [block for stage in model.backbone.stages for block in stage.blocks]
    assert [len(stage.blocks) for stage in model.backbone.stages] == [2, 2, 18, 2]
    assert all(block.carries == {"attention"} for block in blocks)
    assert model.balancing.task_weights == {"semantic": 5.0, "depth": 1.0}
    assert cfg.optim_wrapper.optimizer.betas == (0.9, 0.98)
    assert cfg.param_scheduler[0].eta_max == 4e-5
    assert cfg.param_scheduler[0].pct_start == 0.1
    assert cfg.train_cfg.max_epochs == 1000


def test_a_config_inherits_from_mmseg_with_the_encoder_swapped() -> None:
    cfg = Config.fromfile(str(ROOT / "mmseg/upernet_cond_swin_ade20k.py"))
    assert cfg.model.backbone.depths == [2, 2, 6, 2]  # from mmseg's file
    assert cfg.model.backbone.type == "CondSwinTransformer"
    assert cfg.model.type == "EncoderDecoder"


def test_experiments_are_those_of_the_tables() -> None:
    """What the papers report of our configs and what ``thesis_table.py`` trains are the same."""
    said = {(table, Path(name).name) for table, names in THESIS.items() for name in names}
    found = {("4.15", "swin_cond_nyuv2")}
    for name, experiment in experiments().items():
        found |= {(table, name) for table in experiment.get("rows", ())}
        found |= {("4.2", name)} if "sizes" in experiment else set()
    thesis = {pair for pair in found if pair[1] in {name for _, name in said}}
    assert thesis == said


def test_every_experiment_is_one_config() -> None:
    stems = Counter(Path(name).stem for name in CONFIGS)
    assert {name: stems[name] for name in experiments() if stems[name] != 1} == {}
    assert len(experiments()) > 50


def test_experiments_have_names_of_their_own() -> None:
    names = Counter(experiment["name"] for experiment in experiments().values())
    assert {name: count for name, count in names.items() if count > 1} == {}
    rows = Counter(
        row for experiment in experiments().values() for row in experiment.get("rows", {}).items()
    )
    assert max(rows.values()) == 1


def test_who_inherits_a_config_is_another_experiment(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("_base_ = 'mtlplugins::swin_cond_nyuv2.py'\n")
    assert experiment_of(load_config(tmp_path / "mine.py")) == {}
    assert experiment_of(loaded("swin_cond_nyuv2.py"))["published"]["depth/d1"] == 0.788


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("swin_frozen_nyuv2", dict(attention=(0, 0, 6, 2), adapter=(0, 0, 6, 2), frozen=True)),
        ("swin_cond_norm_nyuv2", dict(attention="all", norm="all")),
        ("swin_cond_norm_scratch_nyuv2", dict(norm="all", norm_from_scratch=True)),
        ("swin_cond_0_0_18_0_nyuv2", dict(attention=(0, 0, 18, 0))),
    ],
)
def test_plans_of_the_thesis(name: str, expected: dict) -> None:
    plan = loaded(f"nyuv2/{name}.py").model.backbone.plan
    assert {key: plan.get(key) for key in expected} == expected
    assert plan.get("norm_from_scratch", False) is (
        name not in ("swin_cond_norm_nyuv2", "swin_cond_0_0_18_0_nyuv2")
    )


def test_weights_of_table_4_8() -> None:
    weights = [loaded(f"{name}.py").model.task_weights for name in THESIS["4.8"]]
    assert [w["semantic"] / w["depth"] for w in weights] == [1, 5, 10, 20, 40]


def test_a_step_of_different_batches_has_as_many_rows() -> None:
    same = loaded("swin_cond_nyuv2.py").train_dataloader
    different = loaded("nyuv2/swin_cond_different_batch_nyuv2.py").train_dataloader
    assert different.batch_size == 2 * same.batch_size
    assert different.dataset.dataset == same.dataset


def test_the_segmentation_checkpoint_is_mmseg_s() -> None:
    """The address stands in the metafile that mmseg installs."""
    import mmseg

    init_cfg = loaded("nyuv2/swin_frozen_ade20k_nyuv2.py").model.backbone.init_cfg
    metafile = Path(mmseg.__file__).parent / ".mim/configs/swin/metafile.yaml"
    assert f"Weights: {init_cfg.checkpoint}\n" in metafile.read_text()
    assert init_cfg.prefix == "backbone."
