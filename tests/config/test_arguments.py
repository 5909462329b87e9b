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
    """They are read and stay as they are; one more that is unknown is refused."""
    known = config(dict(neck=None), dict(ann_file="train.txt", _scope_="mmseg"))
    before = known.to_dict()
    check_arguments(known)
    assert known.to_dict() == before
    known.train_dataloader.dataset.dataset.ann_fiel = "train.txt"
    with pytest.raises(ValueError, match=r"unknown key 'ann_fiel'.*'ann_file'"):
        check_arguments(known)


@pytest.mark.parametrize(
    ("model", "dataset", "message"),
    [
        (dict(decode_head=dict()), {}, r"model\.decode_head: .* give model\.heads\.TASK, as dict"),
        (dict(decoder=dict()), {}, r"model: unknown key 'decoder'; did you mean 'decoders'"),
        ({}, dict(metainfo=dict()), r"train_dataloader\.dataset\.metainfo: .*targets\.TASK\.class"),
        ({}, dict(img_suffix=".png"), r"img_suffix: MultiTaskDataset has none; give image\.suffix"),
        (
            {},
            dict(targets=dict(far=dict(type="DepthMap", disparity=True))),
            r"targets\.far\.disparity: DepthMap has none; give encoding='inverse', with unit",
        ),
        (
            {},
            dict(targets=dict(far=dict(type="DepthMap", folder="d", unti=1))),
            r"targets\.far: unknown key 'unti'; did you mean 'unit'",
        ),
        ({}, dict(pipline=[]), r"train_dataloader\.dataset: unknown key 'pipline'.*'pipeline'"),
    ],
)
def test_others_are_named_with_what_to_write(model: dict, dataset: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_arguments(config(model, dataset))


def test_classes_of_others_are_left_alone() -> None:
    """The same keys of the same config are refused where the classes are ours."""
    others = Config(
        dict(
            model=dict(type="EncoderDecoder", decode_head=dict()),
            val_dataloader=dict(dataset=dict(type="ADE20KDataset", metainfo=dict())),
        )
    )
    before = others.to_dict()
    check_arguments(others)
    assert others.to_dict() == before
    for part, kind in ((others.model, MODEL), (others.val_dataloader.dataset, DATASET)):
        theirs, part.type = part.type, kind["type"]
        with pytest.raises(ValueError, match=r"decode_head: |metainfo: "):
            check_arguments(others)
        part.type = theirs
