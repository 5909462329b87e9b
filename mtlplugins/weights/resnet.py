"""ResNet: mmseg's names are ours, and for the plain stem everyone's."""

from __future__ import annotations

from .table import KeyTable

_FAMILY = "ResNet"
_ROWS = (("conv1", "conv1"), ("bn1", "bn1"), ("stem", "stem"), ("layer{i}", "layer{i}"))
MMSEG = KeyTable(
    "ResNet of mmseg or mmpretrain",
    _FAMILY,
    _ROWS,
    dropped=("decode_head", "auxiliary_head", "neck", "head", "data_preprocessor"),
)
PLAIN = KeyTable("ResNet of torchvision or timm", _FAMILY, _ROWS[:2] + _ROWS[3:], dropped=("fc",))
#: With three convolutions in the stem: ResNet-C and -D, whose shortcuts are named alike.
DEEP = KeyTable(
    "timm's ResNet-C or -D",
    _FAMILY,
    (("bn1", "stem.7"), ("conv1", "stem"), ("layer{i}", "layer{i}")),
    dropped=("fc",),
)
_LAYER = "encoder.stages.{i}.layers.{j}"
TRANSFORMERS = KeyTable(
    "transformers' ResNet",
    _FAMILY,
    (
        ("embedder.embedder.convolution", "conv1"),
        ("embedder.embedder.normalization", "bn1"),
        (f"{_LAYER}.layer.{{k}}.convolution", "layer{i+1}.{j}.conv{k+1}"),
        (f"{_LAYER}.layer.{{k}}.normalization", "layer{i+1}.{j}.bn{k+1}"),
        (f"{_LAYER}.shortcut.convolution", "layer{i+1}.{j}.downsample.0"),
        (f"{_LAYER}.shortcut.normalization", "layer{i+1}.{j}.downsample.1"),
    ),
    prefix="resnet.",
    dropped=("classifier",),
)
TABLES = (MMSEG, PLAIN, DEEP, TRANSFORMERS)
