"""Conversion of an exported graph for other engines and number formats."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from onnx import ModelProto, NodeProto

from .exported import KEY, ExportedModel, import_openvino

#: Number formats and engines, and the ending of their files.
TARGETS = {
    "onnx": ".onnx",
    "float16": ".onnx",
    "int8": ".onnx",
    "int8-dynamic": ".onnx",
    "openvino": ".xml",
    "openvino-int8": ".xml",
}
#: Layers of maps and tokens; Gemm is for vectors: the conditioning of z and the image-level heads.
_WEIGHTED = ("MatMul", "Conv")


def convert(graph: Path, out: Path, target: str, images: Sequence[np.ndarray] = ()) -> None:
    """Convert an exported float32 graph.

    - ``float16``: weights and arithmetic in half precision; inputs and outputs as before.
    - ``int8``: linear layers and convolutions with 8-bit weights, one scale per output channel, and
      8-bit inputs and outputs, whose ranges are measured on ``images``. The first layer, grouped
      convolutions and the heads stay float32, and so do softmax, norms and products of attention.
    - ``int8-dynamic``: linear layers alone, with the range of each input found as they run.
    - ``openvino``: float32 in OpenVINO's format, ``out`` and a ``.bin`` beside it;
      ``openvino-int8``: of the ``int8`` graph.

    Args:
        graph: ONNX file of :func:`mtlplugins.apis.export.export`.
        out: File to write.
        target: One of ``TARGETS`` but ``onnx``.
        images: For 8-bit inputs: images of the training set, float32 (B, 3, H, W).

    Raises:
        ImportError: OpenVINO is missing.
        ValueError: ``int8`` without images.
    """
    if target == "openvino":
        _to_openvino(graph, out)
    elif target == "openvino-int8":
        with TemporaryDirectory() as folder:
            quantized = Path(folder) / "int8.onnx"
            _quantize(graph, quantized, images)
            _to_openvino(quantized, out)
    elif target == "float16":
        onnx.save(_in_half_precision(onnx.load(graph)), out)
    else:
        _quantize(graph, out, None if target == "int8-dynamic" else images)


def calibration_images(
    cfg: Config, count: int, size: Sequence[int] | None = None
) -> list[np.ndarray]:
    """Draw images of a config's training set, as its training pipeline makes them.

    Args:
        cfg: The config.
        count: Number of images.
        size: (height, width) to resize them to; None for their own.

    Returns:
        Float32 RGB (1, 3, H, W) of 0 to 255, one by one, as they may differ in size.
    """
    settings = dict(num_workers=0, persistent_workers=False, batch_size=1)
    loader = Runner.build_dataloader({**cfg.train_dataloader, **settings}, seed=0)
    found = []
    for batch in islice(loader, count):
        image = batch["inputs"][0].flip(0)[None].float()  # data sets have BGR
        if size is not None:
            image = torch.nn.functional.interpolate(image, tuple(size), mode="bilinear")
        found.append(image.numpy())
    return found


def compared(graph: Path, converted: Path, size: Sequence[int] | None) -> str:
    """Say how predictions of a converted graph differ, on random images.

    Raises:
        RuntimeError: It has numbers that are not finite.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (2, *(size or (128, 96)), 3), np.uint8)
    found, wanted = (ExportedModel(path)(pixels) for path in (converted, graph))
    parts = []
    for task, values in wanted.items():
        if not np.isfinite(found[task]).all():
            raise RuntimeError(f"{converted}: task {task!r} has numbers that are not finite")
        wrong = (found[task] != values).mean()
        apart = np.abs(found[task] - values)
        labels = np.issubdtype(values.dtype, np.integer)
        parts.append(f"{task} {f'{wrong:.2%} of labels' if labels else f'{apart.mean():.2g} mean'}")
    return f"differs from float32 on noise: {', '.join(parts)}"


def _in_half_precision(graph: ModelProto) -> ModelProto:
    # finite constants beyond float16's range would become ±10000 without the wider limit
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return convert_float_to_float16(graph, keep_io_types=True, max_finite_val=65504.0)


def _to_openvino(graph: Path, out: Path) -> None:
    openvino = import_openvino()
    text = {prop.key: prop.value for prop in onnx.load(graph).metadata_props}.get(KEY, "")
    converted = openvino.convert_model(graph)
    for output, name in zip(converted.outputs, _outputs(graph), strict=True):
        output.get_tensor().set_names({name})
    converted.set_rt_info(text, [KEY])
    openvino.save_model(converted, out, compress_to_fp16=False)


def _outputs(graph: Path) -> list[str]:
    return [output.name for output in onnx.load(graph, load_external_data=False).graph.output]


def _quantize(graph: Path, out: Path, images: Sequence[np.ndarray] | None) -> None:
    from onnxruntime import quantization

    weights: dict[str, Any] = dict(weight_type=quantization.QuantType.QInt8, per_channel=True)
    if images is None:
        with _silent():
            quantization.quantize_dynamic(graph, out, op_types_to_quantize=["MatMul"], **weights)
        return
    if not images:
        raise ValueError("int8 needs images of the training set, whose ranges are measured")
    feed: Iterator[Any] = iter([dict(images=image) for image in images])

    class Images(quantization.CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(feed, None)

    with _silent():
        quantization.quantize_static(
            graph,
            out,
            Images(),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            nodes_to_quantize=_weighted(onnx.load(graph)),
            **weights,
        )


def _weighted(graph: ModelProto) -> list[str]:
    """List the linear layers and convolutions that bear 8 bits.

    Not the last before each output, the heads'; not the first, whose error reaches everything; and
    not grouped convolutions, whose channels differ in their ranges and have few products each.
    """
    constants = {tensor.name for tensor in graph.graph.initializer}
    nodes = graph.graph.node
    weighted = {
        node.name
        for node in nodes
        if node.op_type in _WEIGHTED and node.input[1] in constants and not _is_grouped(node)
    }
    maker: dict[str, NodeProto] = {name: node for node in nodes for name in node.output}
    last: set[str] = set()
    waiting = [output.name for output in graph.graph.output]
    while waiting:
        node = maker.get(waiting.pop())
        if node is None or node.name in last:
            continue
        last.add(node.name)
        if node.name not in weighted:
            waiting += node.input
    first = next((node.name for node in nodes if node.name in weighted), None)
    return [node.name for node in nodes if node.name in weighted - last - {first}]


def _is_grouped(node: NodeProto) -> bool:
    return any(found.name == "group" and found.i > 1 for found in node.attribute)


@contextmanager
def _silent() -> Iterator[None]:
    """Context without ONNX Runtime's advice for each node."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
