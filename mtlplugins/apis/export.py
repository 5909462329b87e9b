"""Write a trained model as an ONNX graph, and check it against PyTorch.

The graph takes ``images``: RGB, float32 of 0 to 255, (batch, 3, height, width). Normalisation and
padding are inside. It has an output for each task, by its name and at the size of the images:
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

TRACED = (2, (75, 117))  # no side is a multiple of anything that a model pads to
CHECKED = ((1, (128, 96)), (3, (90, 171)), (2, (64, 64)))
TOLERANCE = dict(rtol=1e-3, atol=1e-4)
#: Share of the values that may differ: where two classes are as good as equal, rounding decides.
SHARE = 5e-4


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--out", required=True, help="ONNX file to write")
    parser.add_argument("--task", help="task to fold the model for; all tasks if not given")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="only size of images that the graph is for; any size if not given",
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
    """Write ``out`` if the graph predicts what the model predicts.

    Args:
        model: A trained model on the CPU, in eval mode.
        out: ONNX file.
        task: The task to fold the model for, None for a graph of all tasks.
        size: Height and width of the only size of images, None for any.

    Returns:
        The graph in ONNX Runtime.

    Raises:
        IsADirectoryError: ``out`` is a folder.
        ValueError: ``out`` is a device or a pipe, an unknown task, a size that is not positive, or
            a model that no graph can be made of.
        RuntimeError: The graph predicts something else; nothing is written.
    """
    if out.is_dir():  # noticed before a minute's work
        raise IsADirectoryError(f"{out} is a folder: name a file, such as {out / 'model.onnx'}")
    if out.exists() and not out.is_file():
        raise ValueError(f"{out} is no ordinary file, and is not replaced: name another one")
    if size and min(size) < 1:
        raise ValueError(f"size {size[0]} x {size[1]}: give a height and a width above 0")
    deployed = DeployedModel(fold(model, task) if task else model)
    out.parent.mkdir(parents=True, exist_ok=True)

    def write_checked(part: Path) -> None:
        draw(deployed, part, size)
        check(part, model, deployed.tasks, size)

    write_atomically(out, write_checked)
    return open_graph(out)


def draw(deployed: DeployedModel, out: Path, size: Sequence[int] | None) -> None:
    """Write the graph of a model, for any batch size and for images of one or of any size."""
    batch, traced_size = TRACED
    images = torch.rand(batch, 3, *(size or traced_size)) * 255
    heads = deployed.model.heads
    sides = {} if size else {2: "height", 3: "width"}
    axes = {task: {0: "batch"} | (sides if heads[task].dense else {}) for task in deployed.tasks}
    with torch.no_grad(), unflatten_by_reshape(), warnings.catch_warnings():
        # that numbers may be frozen in the graph is what check() is for; and the newer exporter,
        # which PyTorch recommends, takes many minutes for a Swin of any image size
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
            if i not in axes[output.name]:  # the exporter loses track of some
                dim.dim_value = prediction.shape[i]
    onnx.save(graph, out)


@contextmanager
def unflatten_by_reshape() -> Iterator[None]:
    """Mend ``Tensor.unflatten``: the exporter freezes the sizes that are read off its result."""

    def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
        shape = list(x.shape)
        dim %= len(shape)
        shape[dim : dim + 1] = sizes
        return x.reshape(shape)

    original = torch.Tensor.unflatten
    torch.Tensor.unflatten = unflatten
    try:
        yield
    finally:
        torch.Tensor.unflatten = original


def check(
    graph: Path, model: MultiTaskModel, tasks: Sequence[str], size: Sequence[int] | None
) -> None:
    """Compare a graph with the model's own predictions of other batches than it was drawn with.

    Raises:
        RuntimeError: They differ, or ONNX Runtime cannot run the graph.
    """
    session = open_graph(graph)
    generator = np.random.default_rng(0)
    for batch, other_size in CHECKED:
        pixels = generator.integers(0, 256, (batch, *(size or other_size), 3), dtype=np.uint8)
        wanted = predict(model, pixels)
        where = "{} images of {} x {}".format(*pixels.shape)
        try:
            found = session.run(tasks, dict(images=pixels.transpose(0, 3, 1, 2).astype(np.float32)))
        except Exception as error:  # ONNX Runtime's errors have no class in common
            raise RuntimeError(f"ONNX Runtime fails on {where}: {error}. {mend(size)}") from error
        for task, made in zip(tasks, found, strict=True):
            if problem := difference(made, wanted[task]):
                raise RuntimeError(
                    f"ONNX Runtime and PyTorch differ in task {task!r} on {where}: {problem}. "
                    f"{mend(size)}"
                )


def open_graph(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph on the CPU, with as many threads as PyTorch has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def mend(size: Sequence[int] | None) -> str:
    """Say what to do about a graph that is wrong."""
    if size:
        return "Nothing was written"
    return (
        "Nothing was written. A model that cannot take images of any size may take those of one: "
        "give --size HEIGHT WIDTH"
    )


@torch.no_grad()
def predict(model: MultiTaskModel, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Predict RGB pictures, uint8 (B, H, W, 3), by the model's own way from pictures on."""
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
    """Say in what two predictions differ beyond rounding, if they do."""
    if made.shape != wanted.shape or made.dtype != wanted.dtype:
        return f"{made.dtype} {made.shape} instead of {wanted.dtype} {wanted.shape}"
    if np.issubdtype(wanted.dtype, np.integer):
        wrong = made != wanted
    else:
        wrong = ~np.isclose(made, wanted, **TOLERANCE)
    if wrong.mean() <= SHARE:
        return None
    return f"{100 * wrong.mean():.3g}% of the values, by up to {np.abs(made - wanted).max():.3g}"


def main() -> None:
    """Load, fold, export and check."""
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
