"""Export of a trained model as an ONNX graph, checked against PyTorch.

The graph takes ``images``: RGB, float32 of 0 to 255, (batch, 3, height, width). Normalisation and
padding are part of it. Each task has an output of its name, at the size of the images:
classes as int64 (batch, 1, height, width), depth in metres and unit normals as float32 (batch, 1 or
3, height, width), probabilities of an image-level task as float32 (batch, classes). With
--embedding-input it also takes ``embeddings``: float32 (tasks, embed_dims), the tasks' own or
mixtures of them. With --to it is written for another engine or in another number format.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtlplugins.analysis.embeddings import conditioned_embedding, mixed_rows
from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.config import load_config
from mtlplugins.io.atomic_file import write_atomically, write_bytes_atomically
from mtlplugins.io.overwrite import refuse_inputs
from mtlplugins.models import DeployedModel, MultiTaskModel, fold
from mtlplugins.models.conditioning import TaskEmbedding
from mtlplugins.models.rows import Embedding
from mtlplugins.structures import MultiTaskDataSample

from .antialiasing import antialias_by_products
from .exported import KEY, description, import_openvino, open_session
from .inferencer import MultiTaskInferencer
from .rotary_positions import rotary_positions_of_any_size

try:
    import onnx
    import onnxruntime
except ImportError as error:
    raise ImportError(
        f"an export needs {error.name}: pip install 'mtlplugins[export]'", name=error.name
    ) from error

from .engines import TARGETS, calibration_images, compared, convert

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
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", help="ONNX file to write")
    target.add_argument(
        "--to",
        nargs=2,
        metavar=("TARGET", "PATH"),
        help="onnx FILE, as --out; float16, int8 or int8-dynamic FILE, the graph in another number "
        "format; openvino or openvino-int8 FILE.xml; web FOLDER, a new folder with the graph and a "
        "page that predicts in the browser",
    )
    parser.add_argument(
        "--calibration-images",
        type=int,
        default=64,
        help="with --to int8 or openvino-int8: training images whose ranges are measured",
    )
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
    parser.add_argument(
        "--embedding-input",
        action="store_true",
        help="make the task embeddings an input of the graph; the page gets a mixer of them",
    )
    parser.add_argument(
        "--runtime",
        metavar="FILE",
        help="onnxruntime-web as its .tgz, for the page; by default `npm pack` fetches it",
    )
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.out:
        args.to = ["onnx", args.out]
    kind, path = args.to
    if kind not in (*TARGETS, "web"):
        parser.error(f"--to {kind}: give one of {', '.join((*TARGETS, 'web'))}")
    if kind.startswith("openvino") and not path.endswith(".xml"):
        parser.error(f"--to {kind} {path}: OpenVINO's files are named FILE.xml and FILE.bin")
    if args.embedding_input and kind not in ("onnx", "web"):
        parser.error(f"--to {kind} keeps the tasks' own embeddings: leave out --embedding-input")
    if args.calibration_images < 1:
        parser.error("--calibration-images: give 1 or more")
    if args.task and args.embedding_input:
        parser.error("--task folds the embedding into the weights: leave out --embedding-input")
    return args


def export(
    model: MultiTaskModel,
    out: Path,
    *,
    task: str | None = None,
    size: Sequence[int] | None = None,
    embedding_input: bool = False,
    tasks: Mapping[str, Mapping[str, Any]] | None = None,
) -> onnxruntime.InferenceSession:
    """Export a model to ``out`` by an atomic write, if the graph's predictions equal the model's.

    Args:
        model: A trained model on the CPU, in eval mode.
        out: ONNX file to write.
        task: Task to fold the model for; None for a graph of all tasks.
        size: Fixed (height, width) of the images; None for any size.
        embedding_input: Whether the task embeddings are an input of the graph, ``embeddings``.
        tasks: Description of the tasks, ``dataset_meta["tasks"]``, for :class:`ExportedModel`.

    Returns:
        The graph in ONNX Runtime.

    Raises:
        IsADirectoryError: ``out`` is a folder.
        ValueError: ``out`` is a device or a pipe, the task is unknown, the size is not positive,
            the model cannot be exported, or it has no embeddings to be an input.
        RuntimeError: The graph's predictions differ; nothing is written.
    """
    if out.is_dir():  # before a minute of work
        raise IsADirectoryError(f"{out} is a folder: name a file, such as {out / 'model.onnx'}")
    if out.exists() and not out.is_file():
        raise ValueError(f"{out} is no ordinary file, and is not replaced: name another one")
    if size and min(size) < 1:
        raise ValueError(f"size {size[0]} x {size[1]}: give a height and a width above 0")
    embedding = conditioned_embedding(model) if embedding_input else None
    deployed = DeployedModel(fold(model, task) if task else model)
    out.parent.mkdir(parents=True, exist_ok=True)

    def write_checked(part: Path) -> None:
        write_graph(deployed, part, size, embedding)
        graph = onnx.load(part)
        text = description(tasks or {}, deployed.tasks, size, deployed.uncertain)
        onnx.helper.set_model_props(graph, {KEY: text})
        onnx.save(graph, part)
        check_graph(part, model, deployed, size, embedding)

    write_atomically(out, write_checked)
    return open_session(out, torch.get_num_threads())


def write_graph(
    deployed: DeployedModel,
    out: Path,
    size: Sequence[int] | None,
    embedding: TaskEmbedding | None = None,
) -> None:
    """Write the ONNX graph of a model, for any batch size and a fixed or any image size."""
    batch, traced_size = TRACED
    images = torch.rand(batch, 3, *(size or traced_size)) * 255
    heads = deployed.model.heads
    sides = {} if size else {2: "height", 3: "width"}
    axes = {task: {0: "batch"} | (sides if heads[task].dense else {}) for task in deployed.tasks}
    axes |= {f"{task}_std": axes[task] for task in deployed.uncertain}
    inputs = dict(images=images)
    if embedding is not None:
        inputs["embeddings"] = embedding(deployed.tasks).detach()
    with (
        torch.no_grad(),
        unflatten_by_reshape(),
        antialias_by_products(),
        rotary_positions_of_any_size(),
        warnings.catch_warnings(),
    ):
        # warnings of constants in the graph: check_graph() tests for that; of the newer exporter:
        # it takes many minutes for a Swin of any image size
        warnings.simplefilter("ignore")
        torch.onnx.export(
            deployed.eval(),
            tuple(inputs.values()),
            str(out),
            dynamo=False,
            opset_version=17,
            input_names=list(inputs),
            output_names=list(deployed.outputs),
            dynamic_axes=dict(images={0: "batch"} | sides, **axes),
        )
        made = deployed(*inputs.values())
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
    graph: Path,
    model: MultiTaskModel,
    deployed: DeployedModel,
    size: Sequence[int] | None,
    embedding: TaskEmbedding | None = None,
) -> None:
    """Compare a graph's predictions with the model's, for batches other than the traced one.

    Where the embeddings are an input, every task is given the mean of all of them.

    Raises:
        RuntimeError: The predictions differ, or ONNX Runtime cannot run the graph.
    """
    session = open_session(graph, torch.get_num_threads())
    generator = np.random.default_rng(0)
    tasks = deployed.tasks
    mean = dict.fromkeys(tasks, 1.0)
    mixed = None if embedding is None else mixed_rows(embedding, dict.fromkeys(tasks, mean))
    given = {} if mixed is None else dict(embeddings=mixed(tasks).detach().numpy())
    for batch, other_size in CHECKED:
        pixels = generator.integers(0, 256, (batch, *(size or other_size), 3), dtype=np.uint8)
        wanted = predict(model, pixels, mixed)
        where = "{} images of {} x {}".format(*pixels.shape)
        try:
            images = pixels.transpose(0, 3, 1, 2).astype(np.float32)
            found = session.run(deployed.outputs, dict(images=images, **given))
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise RuntimeError(f"ONNX Runtime fails on {where}: {error}. {advice(size)}") from error
        for name, made in zip(deployed.outputs, found, strict=True):
            if problem := difference(np.asarray(made), wanted[name]):
                raise RuntimeError(
                    f"ONNX Runtime and PyTorch differ in task {name!r} on {where}: {problem}. "
                    f"{advice(size)}"
                )


def advice(size: Sequence[int] | None) -> str:
    """Return the advice for errors of a wrong graph."""
    if size:
        return "Nothing was written"
    return (
        "Nothing was written. A model that cannot take images of any size may take those of one: "
        "give --size HEIGHT WIDTH"
    )


@torch.no_grad()
def predict(
    model: MultiTaskModel, pixels: np.ndarray, embedding: Embedding | None = None
) -> dict[str, np.ndarray]:
    """Predict RGB images, uint8 (B, H, W, 3), with the model and its own preprocessing."""
    inputs = [torch.from_numpy(p[..., ::-1].transpose(2, 0, 1).copy()) for p in pixels]  # BGR
    samples = [MultiTaskDataSample() for _ in inputs]
    data = model.data_preprocessor(dict(inputs=inputs, data_samples=samples), False)
    samples = model.predict(**data, embedding=embedding)
    predictions = {}
    for task in model.tasks:
        made = [getattr(sample, f"pred_{task}") for sample in samples]
        key = next(key for key in ("data", "score", "numbers") if key in made[0])
        predictions[task] = torch.stack([p.get(key) for p in made]).numpy()
        if model.heads[task].uncertainty:
            predictions[f"{task}_std"] = torch.stack([p.get("std") for p in made]).numpy()
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
    target, out = args.to[0], Path(args.to[1])
    refuse_inputs([out], [args.config, args.checkpoint])
    if target.startswith("openvino"):
        import_openvino()  # before a minute of work
    cfg = load_config(args.config, args.cfg_options)
    inferencer = MultiTaskInferencer(cfg, args.checkpoint, device="cpu")
    options: dict[str, Any] = dict(
        task=args.task, size=args.size, embedding_input=args.embedding_input
    )
    if target == "web":
        from mtlplugins.web.browser import write_page  # which imports this module

        write_page(inferencer, cfg, out, runtime=args.runtime, **options)
        print(f"{out}: show it with python -m http.server -d {out}")
        return
    options["tasks"] = inferencer.dataset_meta["tasks"]
    if target != "onnx":
        with TemporaryDirectory() as folder:
            graph, made = Path(folder) / "float32.onnx", Path(folder) / "made" / out.name
            made.parent.mkdir()
            export(inferencer.model, graph, **options)
            count = args.calibration_images if target in ("int8", "openvino-int8") else 0
            convert(graph, made, target, calibration_images(cfg, count, args.size) if count else ())
            differences = compared(graph, made, args.size)
            out.parent.mkdir(parents=True, exist_ok=True)
            for file in sorted(made.parent.iterdir()):  # OpenVINO writes two, the weights first
                write_bytes_atomically(out.parent / file.name, file.read_bytes())
        print(f"{out}: {differences}")
        return
    session = export(inferencer.model, out, **options)
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB; equals PyTorch's predictions")
    for kind, values in (("input", session.get_inputs()), ("output", session.get_outputs())):
        for value in values:
            print(f"  {kind} {value.name}: {value.type} {value.shape}")
