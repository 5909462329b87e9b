"""The networks of the image-classification study have exactly its parameters."""

from __future__ import annotations

import json

import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mtlplugins.apis import count_parameters, load_config
from tests.tools.command import ROOT, run_tool

#: Trainable parameters. The study says 7 more of its ViTs, the state of Keras's normalisation, and
#: more of its ResNets, whose convolutions have biases in Keras and whose batch norms' statistics it
#: counts.
TRAINABLE = {
    "vit_multi_cifar10": 23_560_396,
    "vit_multi_cifar100": 23_574_328,
    "vit_label_cifar10": 22_346_826,
    "vit_label_cifar100": 22_358_436,
    "vit_superclass_cifar10": 20_771_906,
    "vit_superclass_cifar100": 20_774_228,
    "resnet152_multi_cifar10": 66_342_220,
    "resnet152_multi_cifar100": 66_356_152,
    "resnet152_label_cifar10": 65_128_650,
    "resnet152_label_cifar100": 65_140_260,
    "resnet152_superclass_cifar10": 63_553_730,
    "resnet152_superclass_cifar100": 63_556_052,
}


OURS = [f"{name}_ours" for name in TRAINABLE if "multi" in name]


@pytest.mark.parametrize("name", [*TRAINABLE, *OURS])
def test_trainable_parameters(name: str) -> None:
    cfg = load_config(str(ROOT / f"configs/cifar/{name}.py"))
    init_default_scope("mmseg")
    with torch.device("meta"):  # counted without memory
        model = MODELS.build(cfg.model)
    expected = TRAINABLE[name.removesuffix("_ours")]
    assert count_parameters(model) == dict(params=expected, trainable=expected)


def test_the_tool_counts_them(monkeypatch, capsys) -> None:
    config = ROOT / "configs/cifar/vit_multi_cifar10.py"
    run_tool(monkeypatch, "analysis/model_stats.py", config, "--json")
    stats = json.loads(capsys.readouterr().out)
    assert stats["trainable"] == 23_560_396
    assert stats["size"] == [32, 32]
    # two per multiply-add, of linear layers and products of 144 tokens
    layer = 144 * (64 * 768 + 256 * 64 + 2 * 64 * 128) + 2 * 4 * 144 * 144 * 64
    encoder = 144 * 108 * 64 + 8 * layer + 9216 * 2048
    head = 2048 * 1024 + 1024 * 512 + 512 * 256 + 256 * 128 + 128 * 10
    assert stats["flops_by_task"]["label"] == 2 * (encoder + head)
