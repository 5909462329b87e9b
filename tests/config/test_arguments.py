"""Arguments that mmseg's models and data sets take are named with what to write here."""

from __future__ import annotations

import pytest
from mmengine.config import Config

import mtlplugins  # noqa: F401, registers
from mtlplugins.config.arguments import check_arguments

MODEL = dict(type="MultiTaskModel", backbone=dict(type="CondResNet"), heads=dict(semantic=dict()))
DATASET = dict(type="MultiTaskDataset", data_root="data", targets=dict())


def config(model: dict | None = None, dataset: dict | None = None) -> Config:
    repeated = dict(type="RepeatDataset", times=2, dataset=DATASET | (dataset or {}))
    return Config(dict(model=MODEL | (model or {}), train_dataloader=dict(dataset=repeated)))


def test_known_arguments_pass() -> None:
    check_arguments(config(dict(neck=None), dict(ann_file="train.txt", _scope_="mmseg")))


@pytest.mark.parametrize(
    ("model", "dataset", "message"),
    [
        (dict(decode_head=dict()), {}, r"model\.decode_head: .* give model\.heads\.TASK, as dict"),
        (dict(decoder=dict()), {}, r"model: unknown key 'decoder'; did you mean 'decoders'"),
        ({}, dict(metainfo=dict()), r"train_dataloader\.dataset\.metainfo: .*targets\.TASK\.class"),
        ({}, dict(img_suffix=".png"), r"img_suffix: MultiTaskDataset has none; give image\.suffix"),
        ({}, dict(pipline=[]), r"train_dataloader\.dataset: unknown key 'pipline'.*'pipeline'"),
    ],
)
def test_others_are_named_with_what_to_write(model: dict, dataset: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_arguments(config(model, dataset))


def test_classes_of_others_are_left_alone() -> None:
    check_arguments(
        Config(
            dict(
                model=dict(type="EncoderDecoder", decode_head=dict()),
                val_dataloader=dict(dataset=dict(type="ADE20KDataset", metainfo=dict())),
            )
        )
    )
