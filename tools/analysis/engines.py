"""Compare engines and number formats on one model: differences, speed and scores.

Exports the model, converts the graph to every target whose engine is installed, and runs all of
them beside PyTorch in one process with the same threads. Without a checkpoint the weights are
random, and there are no scores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from benchmarks.machine import Machine
from benchmarks.timing import interleaved
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import LabelData, PixelData
from mmseg.registry import MODELS
from torch.nn.functional import interpolate

from mtlplugins.apis import ExportedModel, MultiTaskInferencer, load_config
from mtlplugins.apis.engines import TARGETS, calibration_images, convert
from mtlplugins.apis.export import export
from mtlplugins.apis.exported import import_openvino
from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.models import DeployedModel, MultiTaskModel

Predict = Callable[[np.ndarray], dict[str, np.ndarray]]


def main() -> None:
    """Print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", nargs="?", help="checkpoint file; random weights without")
    parser.add_argument("--size", type=int, nargs=2, default=(224, 224), help="of timed images")
    parser.add_argument("--rounds", type=int, default=10, help="predictions to time")
    parser.add_argument("--images", type=int, default=64, help="images that ranges are taken from")
    parser.add_argument("--out", help="JSON file to write")
    add_cfg_options(parser)
    args = parser.parse_args()
    cfg = load_config(args.config, args.cfg_options)
    found = compare(cfg, args.checkpoint, tuple(args.size), rounds=args.rounds, count=args.images)
    print(table(found))
    if args.out:
        Path(args.out).write_text(json.dumps(found, indent=1) + "\n")


def compare(
    cfg: Config, checkpoint: str | None, size: tuple[int, int], *, rounds: int, count: int
) -> dict[str, Any]:
    """Measure every engine; one that fails has its error in place of numbers."""
    model, tasks = _model(cfg, checkpoint)
    deployed = DeployedModel(model).eval()
    pixels = _images(cfg, size)
    with TemporaryDirectory() as folder:
        graph = Path(folder) / "onnx.onnx"
        export(model, graph, tasks=tasks)
        images = calibration_images(cfg, count)
        predictors: dict[str, Predict] = dict(pytorch=_eager(deployed))
        rows: dict[str, dict[str, Any]] = dict(pytorch={})
        for target, suffix in TARGETS.items():
            file = graph.with_name(target + suffix)
            try:
                if target != "onnx":
                    convert(graph, file, target, images)
                predictors[target] = ExportedModel(file, threads=torch.get_num_threads())
                rows[target] = dict(MiB=_size(file))
            except Exception as error:  # an engine that cannot is a result
                rows[target] = dict(error=f"{type(error).__name__}: {error}"[:200])
        wanted = predictors["pytorch"](pixels)
        cases = {
            name: lambda predict=predict: predict(pixels) for name, predict in predictors.items()
        }
        seconds = interleaved(cases, rounds=rounds)
        for name, predict in predictors.items():
            rows[name] |= dict(
                differences=_differences(predict(pixels), wanted),
                seconds=seconds[name].median,
                ratio=seconds["pytorch"].median / seconds[name].median,
            )
            if checkpoint:
                rows[name]["scores"] = scores(cfg, predict)
    return dict(
        model=Path(cfg.filename).stem,
        size=list(pixels.shape[:3]),
        threads=torch.get_num_threads(),
        machine=Machine("cpu", torch.float32, 0.0).describe(),
        versions=_versions(),
        rows=rows,
    )


def scores(cfg: Config, predict: Predict) -> dict[str, float]:
    """Compute the validation scores of predictions by a graph.

    A graph predicts at the size of the network's image: maps are repeated to the original size,
    where a model itself interpolates logits.
    """
    settings = dict(num_workers=0, persistent_workers=False, batch_size=1)
    loader = Runner.build_dataloader({**cfg.val_dataloader, **settings})
    evaluator = Evaluator(cfg.val_evaluator)
    evaluator.dataset_meta = loader.dataset.metainfo
    for batch in loader:
        (sample,) = batch["data_samples"]
        pixels = batch["inputs"][0].flip(0).permute(1, 2, 0).numpy()[None]  # data sets have BGR
        for task, values in predict(np.ascontiguousarray(pixels)).items():
            made = torch.from_numpy(values[0])
            dense = made.dim() == 3
            if dense and made.shape[1:] != (size := tuple(sample.ori_shape)):
                made = interpolate(made[None].float(), size, mode="nearest")[0].to(made.dtype)
            label = LabelData(score=made, label=made.argmax(dim=0, keepdim=True))
            setattr(sample, f"pred_{task}", PixelData(data=made) if dense else label)
        evaluator.process([sample], batch)
    return evaluator.evaluate(len(loader.dataset))


def table(found: dict[str, Any]) -> str:
    """Write the results as a Markdown table."""
    names = sorted({name for row in found["rows"].values() for name in row.get("scores", {})})
    shown = [n for n in names if n.endswith(("/mIoU", "/abs_rel", "/top1"))]
    head = ["engine", "MiB", "ms", "times PyTorch", "difference", *shown]
    lines = [head, ["---"] * len(head)]
    for name, row in found["rows"].items():
        if "error" in row:
            lines.append([name, row["error"], *[""] * (len(head) - 2)])
            continue
        apart = ", ".join(f"{task} {value}" for task, value in row["differences"].items())
        times = f"{1e3 * row['seconds']:.0f}", f"{row['ratio']:.2f}", apart
        values = (f"{row['scores'][n]:.4g}" if "scores" in row else "" for n in shown)
        lines.append([name, f"{row['MiB']:.1f}" if "MiB" in row else "", *times, *values])
    title = f"{found['model']}, {found['size']}, {found['threads']} threads; {found['versions']}"
    return "\n".join([title, "", *(f"| {' | '.join(line)} |" for line in lines)])


def _model(cfg: Config, checkpoint: str | None) -> tuple[MultiTaskModel, dict[str, Any]]:
    if checkpoint:
        inferencer = MultiTaskInferencer(cfg, checkpoint, device="cpu")
        return inferencer.model, inferencer.dataset_meta["tasks"]
    init_default_scope("mmseg")
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model.eval(), {}


def _images(cfg: Config, size: tuple[int, int]) -> np.ndarray:
    """Return a training image at the size to time, uint8 (1, H, W, 3)."""
    (image,) = calibration_images(cfg, 1, size)
    return image.round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _eager(deployed: DeployedModel) -> Predict:
    @torch.no_grad()
    def predict(pixels: np.ndarray) -> dict[str, np.ndarray]:
        made = deployed(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())
        return {name: x.numpy() for name, x in zip(deployed.outputs, made, strict=True)}

    return predict


def _differences(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> dict[str, str]:
    """Describe by task the share of other labels, or the mean and largest difference."""
    apart = {}
    for task, values in wanted.items():
        if np.issubdtype(values.dtype, np.integer):
            apart[task] = f"{100 * (found[task] != values).mean():.2g} %"
        else:
            error = np.abs(found[task] - values)
            apart[task] = f"{error.mean():.1e}, at most {error.max():.1e}"
    return apart


def _size(file: Path) -> float:
    files = [file, file.with_suffix(".bin")] if file.suffix == ".xml" else [file]
    return sum(path.stat().st_size for path in files) / 2**20


def _versions() -> str:
    names = dict(
        torch=torch.__version__, onnxruntime=onnxruntime.__version__, onnx=onnx.__version__
    )
    with suppress(ImportError):
        names["openvino"] = import_openvino().__version__.partition("-")[0]
    return ", ".join(f"{name} {version}" for name, version in names.items())


if __name__ == "__main__":
    main()
