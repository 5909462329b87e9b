"""The sharded runner in one process; ``tests/faults/test_sharded.py`` has two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS, RUNNERS
from torch import distributed as dist
from torch.distributed.tensor import DTensor

from mtlplugins.engine import ShardedRunner
from mtlplugins.engine.sharding import find_blocks
from tests.compat import small_runner
from tests.compat.small_runner import assert_same, load, make_runner
from tests.models._models import SWIN
from tests.models.backbones._vit import VIT


@pytest.fixture
def sharded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``make_runner`` make sharded runners."""
    monkeypatch.setattr(small_runner, "Runner", ShardedRunner)


@pytest.fixture
def group_of_one() -> Iterator[None]:
    """Be the only process of a group."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """Where MMEngine's own runner trained two epochs."""
    folder = tmp_path_factory.mktemp("plain")
    make_runner(folder, by_epoch=True).train()
    return folder


def assert_same_training(work_dir: Path, plain: Path) -> None:
    found, expected = load(work_dir / "epoch_2.pth"), load(plain / "epoch_2.pth")
    for part in ("state_dict", "optimizer", "param_schedulers"):
        assert_same(found[part], expected[part])
    assert len(expected["optimizer"]["state"]) == 2


@pytest.mark.usefixtures("sharded", "group_of_one")
def test_trains_and_resumes_what_the_plain_runner_does(tmp_path: Path, plain: Path) -> None:
    runner = make_runner(tmp_path / "whole", by_epoch=True, launcher="pytorch")
    runner.train()
    assert isinstance(runner.optim_wrapper.optimizer.param_groups[0]["params"][0], DTensor)
    assert_same_training(tmp_path / "whole", plain)
    for source in (tmp_path / "whole", plain):
        half = dict(resume=True, load_from=str(source / "epoch_1.pth"))
        make_runner(tmp_path / "again", by_epoch=True, launcher="pytorch", **half).train()
        assert_same_training(tmp_path / "again", plain)


@pytest.mark.usefixtures("sharded")
def test_without_a_launcher_it_is_the_plain_runner(tmp_path: Path, plain: Path) -> None:
    runner = make_runner(tmp_path, by_epoch=True)
    model = runner.train()
    assert type(runner) is ShardedRunner
    assert not any(isinstance(p, DTensor) for p in model.parameters())
    assert_same_training(tmp_path, plain)


def test_a_config_asks_for_it(tmp_path: Path) -> None:
    cfg = Config(dict(model=dict(type="MultiTaskDataPreprocessor"), work_dir=str(tmp_path)))
    cfg.update(default_scope="mmseg", log_level="WARNING", experiment_name=tmp_path.name)
    assert type(RUNNERS.build(cfg)) is Runner
    cfg.runner_type = "ShardedRunner"
    assert type(RUNNERS.build(cfg)) is ShardedRunner


@pytest.mark.usefixtures("sharded", "group_of_one")
class TestRefused:
    def test_a_wrapper(self, tmp_path: Path) -> None:
        cfg = Config(dict(model_wrapper_cfg=dict(type="MMDistributedDataParallel")))
        with pytest.raises(ValueError, match="leave model_wrapper_cfg or runner_type out"):
            make_runner(tmp_path, by_epoch=True, launcher="pytorch", cfg=cfg)

    def test_averages_of_weights(self, tmp_path: Path) -> None:
        hooks = [dict(type="EMAHook")]
        runner = make_runner(tmp_path, by_epoch=True, launcher="pytorch", custom_hooks=hooks)
        with pytest.raises(ValueError, match="leave the hook or runner_type out"):
            runner.train()

    def test_an_old_pytorch(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr("torch.distributed.fsdp.fully_shard")
        with pytest.raises(ImportError, match=r"PyTorch 2\.6; this is .*leave runner_type out"):
            make_runner(tmp_path, by_epoch=True, launcher="pytorch")


ALL_THREE = dict(attention="all", norm="all", adapter="all", embed_dims=8)
TOKENS = dict(input_size=12, patch_size=6, embed_dims=8, depth=3, num_heads=2, head_dims=4)
CONVNEXT = dict(model_name="convnext_atto", pretrained=False, features_only=True)


@pytest.mark.parametrize(
    ("encoder", "block", "count"),
    [
        (dict(type="CondSwinTransformer", plan=ALL_THREE, **SWIN), "CondSwinBlock", 6),
        (dict(type="SwinTransformer", **SWIN), "SwinBlock", 6),
        (dict(type="CondVisionTransformer", plan=ALL_THREE, **VIT), "CondViTBlock", 4),
        (dict(type="CondResNet", depth=18, base_channels=4), "CondBasicBlock", 8),
        (dict(type="CondResNet", depth=50, base_channels=4, deep_stem=True), "CondBottleneck", 16),
        (dict(type="TokenViT", mlp_dims=16, **TOKENS), "_Layer", 3),
        (dict(type="TIMMBackbone", **CONVNEXT), "ConvNeXtBlock", 12),
        (dict(type="CondTimmBackbone", model_name="resnet10t"), "CondBasicBlock", 4),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
def test_blocks_of_an_encoder(encoder: dict, block: str, count: int) -> None:
    init_default_scope("mmseg")
    blocks = find_blocks(MODELS.build(encoder))
    assert [type(found).__name__ for found in blocks] == [block] * count
