"""Folder of a page that predicts in the browser: graph, runtime, page, description of the tasks."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mtlplugins.analysis.complexity import training_size
from mtlplugins.apis.export import export
from mtlplugins.apis.exported import described_task
from mtlplugins.apis.inferencer import MultiTaskInferencer
from mtlplugins.visualization.drawers import DEPTH_COLOURS
from mtlplugins.web.mixer import presets

from .runtime import read_runtime

_STATIC = Path(__file__).parent / "static"


def write_page(
    inferencer: MultiTaskInferencer,
    cfg: Config,
    out: Path,
    *,
    task: str | None = None,
    size: Sequence[int] | None = None,
    embedding_input: bool = False,
    runtime: str | Path | None = None,
) -> None:
    """Write the page of a model into a new folder: whole, or not at all.

    Args:
        inferencer: The model, on the CPU.
        cfg: Its config, which says at what size images are predicted.
        out: Folder to write; missing or empty.
        task: Task to fold the model for; None for all tasks.
        size: (height, width) of the images; None for that of the config's test transforms.
        embedding_input: Whether the page has a mixer of task embeddings.
        runtime: onnxruntime-web as its ``.tgz``; None to get it with npm.

    Raises:
        FileExistsError: ``out`` is a file, or a folder that is not empty.
        ValueError: As of :func:`export` and :func:`read_runtime`, or no size is known.
        RuntimeError: Likewise.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} is there already: give a new folder")
    described = describe(inferencer, size or _size(cfg), task, embedding_input)
    files = read_runtime(runtime)  # before a minute of work
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        aside.chmod(0o755)  # a web server may be another user
        graph = aside / "model.onnx"
        export(inferencer.model, graph, task=task, size=size, embedding_input=embedding_input)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        for static in _STATIC.iterdir():
            shutil.copyfile(static, aside / static.name)
        (aside / "model.json").write_text(json.dumps(described))
        aside.replace(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def describe(
    inferencer: MultiTaskInferencer, size: Sequence[int], task: str | None, embedding_input: bool
) -> dict[str, Any]:
    """Describe a model for the page: its tasks, image size, colours and task embeddings."""
    model = inferencer.model
    tasks = [task] if task else list(model.tasks)
    described: dict[str, Any] = dict(size=list(size), ramp=DEPTH_COLOURS.tolist(), tasks=[])
    for name in tasks:
        known = described_task(inferencer.dataset_meta["tasks"].get(name, {}))
        described["tasks"].append(dict(name=name, **known))
    if embedding_input and model.task_embedding is not None:
        rows = model.task_embedding(tasks).detach()
        described["embeddings"] = rows.tolist()
        described["presets"] = {
            name: [list(row.values()) for row in mixture.values()]
            for name, mixture in presets(tasks).items()
        }
    return described


def _size(cfg: Config) -> tuple[int, int]:
    """Read the size (height, width) at which the config's test transforms predict."""
    for transform in reversed(cfg.get("test_pipeline") or []):
        if scale := transform.get("scale"):
            return (scale, scale) if isinstance(scale, int) else tuple(scale)
    return training_size(cfg)
