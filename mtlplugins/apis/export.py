"""Export of a trained model as an ONNX graph, checked against PyTorch.

The graph takes ``images``: RGB, float32 of 0 to 255, (batch, 3, height, width). Normalisation and
padding are part of it. Each task has an output of its name, at the size of the images:
classes as int64 (batch, 1, height, width), depth in metres and unit normals as float32 (batch, 1 or
3, height, width), probabilities of an image-level task as float32 (batch, classes).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.config import load_config
from mtlplugins.io.atomic_file import write_atomically
from mtlplugins.io.overwrite import refuse_inputs
from mtlplugins.models import DeployedModel, MultiTaskModel, fold
from mtlplugins.structures import MultiTaskDataSample

from .inferencer import MultiTaskInferencer

try:
    import onnx
    import onnxruntime
except ImportError as error:
    raise ImportError(
        f"an export needs {error.name}: pip install 'mtlplugins[export]'", name=error.name
    ) from error

#: Batch size and image size of the trace; no side is a multiple of what a model pads to.
TRACED = (2, (75, 117))
#: Batch sizes and image sizes of the check.
CHECKED = ((1, (128, 96)), (3, (90, 171)), (2, (64, 64)))
RTOL, ATOL = 1e-3, 1e-4
#: Share of the values that may differ: between nearly equal scores, rounding decides the class.
SHARE = 5e-4


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--out", required=True, help="ONNX file to write")
    parser.add_argument(
        "--task", help="only task of the graph, folded into plain weights; all tasks by default"
    )
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="fixed image size of the graph; any size by default",
    )
    add_cfg_options(parser)
    return parser.parse_args()


def export(
    model: MultiTaskModel,
    out: Path,
    *,
    task: str | None = None,
    size: Sequence[int] | None = None,
) -> onnxruntime.InferenceSession:
    """Export a model to ``out`` by an atomic write, if the graph's predictions equal the model's.

    Args:
        model: A trained model on the CPU, in eval mode.
        out: ONNX file to write.
        task: Task to fold the model for; None for a graph of all tasks.
        size: Fixed (height, width) of the images; None for any size.

    Returns:
        The graph in ONNX Runtime.

    Raises:
        IsADirectoryError: ``out`` is a folder.
        ValueError: ``out`` is a device or a pipe, the task is unknown, the size is not positive, or
            the model cannot be exported.
        RuntimeError: The graph's predictions differ; nothing is written.
    """
    if out.is_dir():  # before a minute of work
        raise IsADirectoryError(f"{out} is a folder: name a file, such as {out / 'model.onnx'}")
    if out.exists() and not out.is_file():
        raise ValueError(f"{out} is no ordinary file, and is not replaced: name another one")
    if size and min(size) < 1:
        raise ValueError(f"size {size[0]} x {size[1]}: give a height and a width above 0")
    deployed = DeployedModel(fold(model, task) if task else model)
    out.parent.mkdir(parents=True, exist_ok=True)

    def write_checked(part: Path) -> None:
        write_graph(deployed, part, size)
        check_graph(part, model, deployed.tasks, size)

    write_atomically(out, write_checked)
    return open_graph(out)


def write_graph(deployed: DeployedModel, out: Path, size: Sequence[int] | None) -> None:
    """Write the ONNX graph of a model, for any batch size and a fixed or any image size."""
    batch, traced_size = TRACED
    images = torch.rand(batch, 3, *(size or traced_size)) * 255
    heads = deployed.model.heads
    sides = {} if size else {2: "height", 3: "width"}
    axes = {task: {0: "batch"} | (sides if heads[task].dense else {}) for task in deployed.tasks}
    with torch.no_grad(), unflatten_by_reshape(), warnings.catch_warnings():
        # warnings of constants in the graph: check_graph() tests for that; of the newer exporter:
        # it takes many minutes for a Swin of any image size
        warnings.simplefilter("ignore")
        torch.onnx.export(
            deployed.eval(),
            (images,),
            str(out),
            dynamo=False,
            opset_version=17,
            input_names=["images"],
            output_names=list(deployed.tasks),
            dynamic_axes=dict(images={0: "batch"} | sides, **axes),
        )
        made = deployed(images)
    graph = onnx.load(out)
    for output, prediction in zip(graph.graph.output, made, strict=True):
        for i, dim in enumerate(output.type.tensor_type.shape.dim):
            if i not in axes[output.name]:  # the exporter does not infer all of them
                dim.dim_value = prediction.shape[i]
    onnx.save(graph, out)


@contextmanager
def unflatten_by_reshape() -> Iterator[None]:
    """Context with ``Tensor.unflatten`` as a reshape; the exporter makes its sizes constants."""

    def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
        shape = list(x.shape)
        dim %= len(shape)
        shape[dim : dim + 1] = sizes
        return x.reshape(shape)

    original = torch.Tensor.unflatten
    torch.Tensor.unflatten = unflatten  # ty: ignore[invalid-assignment]  # monkey patch
    try:
        yield
    finally:
        torch.Tensor.unflatten = original


def check_graph(
    graph: Path, model: MultiTaskModel, tasks: Sequence[str], size: Sequence[int] | None
) -> None:
    """Compare a graph's predictions with the model's, for batches other than the traced one.

    Raises:
        RuntimeError: The predictions differ, or ONNX Runtime cannot run the graph.
    """
    session = open_graph(graph)
    generator = np.random.default_rng(0)
    for batch, other_size in CHECKED:
        pixels = generator.integers(0, 256, (batch, *(size or other_size), 3), dtype=np.uint8)
        wanted = predict(model, pixels)
        where = "{} images of {} x {}".format(*pixels.shape)
        try:
            found = session.run(tasks, dict(images=pixels.transpose(0, 3, 1, 2).astype(np.float32)))
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise RuntimeError(f"ONNX Runtime fails on {where}: {error}. {advice(size)}") from error
        for task, made in zip(tasks, found, strict=True):
            if problem := difference(np.asarray(made), wanted[task]):
                raise RuntimeError(
                    f"ONNX Runtime and PyTorch differ in task {task!r} on {where}: {problem}. "
                    f"{advice(size)}"
                )


def open_graph(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph in ONNX Runtime on the CPU, with PyTorch's number of threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def advice(size: Sequence[int] | None) -> str:
    """Return the advice for errors of a wrong graph."""
    if size:
        return "Nothing was written"
    return (
        "Nothing was written. A model that cannot take images of any size may take those of one: "
        "give --size HEIGHT WIDTH"
    )


@torch.no_grad()
def predict(model: MultiTaskModel, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Predict RGB images, uint8 (B, H, W, 3), with the model and its own preprocessing."""
    inputs = [torch.from_numpy(p[..., ::-1].transpose(2, 0, 1).copy()) for p in pixels]  # BGR
    samples = [MultiTaskDataSample() for _ in inputs]
    samples = model.test_step(dict(inputs=inputs, data_samples=samples))
    predictions = {}
    for task in model.tasks:
        made = [getattr(sample, f"pred_{task}") for sample in samples]
        made = [p.data if model.heads[task].dense else p.score for p in made]
        predictions[task] = torch.stack(made).numpy()
    return predictions


def difference(made: np.ndarray, wanted: np.ndarray) -> str | None:
    """Describe how two predictions differ beyond rounding; None if they do not."""
    if made.shape != wanted.shape or made.dtype != wanted.dtype:
        return f"{made.dtype} {made.shape} instead of {wanted.dtype} {wanted.shape}"
    if np.issubdtype(wanted.dtype, np.integer):
        wrong = made != wanted
    else:
        wrong = ~np.isclose(made, wanted, rtol=RTOL, atol=ATOL)
    if wrong.mean() <= SHARE:
        return None
    return f"{100 * wrong.mean():.3g}% of the values, by up to {np.abs(made - wanted).max():.3g}"


def main() -> None:
    """Run ``mtlplugins export``: load, fold, export and check."""
    args = parse_args()
    out = Path(args.out)
    refuse_inputs([out], [args.config, args.checkpoint])
    cfg = load_config(args.config, args.cfg_options)
    model = MultiTaskInferencer(cfg, args.checkpoint, device="cpu").model
    session = export(model, out, task=args.task, size=args.size)
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB; equals PyTorch's predictions")
    for kind, values in (("input", session.get_inputs()), ("output", session.get_outputs())):
        for value in values:
            print(f"  {kind} {value.name}: {value.type} {value.shape}")
