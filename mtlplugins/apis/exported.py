"""Exported graph that describes itself: tasks, image size and how to read its outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnxruntime

#: Key of the description in a graph's metadata.
KEY = "mtlplugins"
_Run = Callable[[np.ndarray], Sequence[Any]]


class ExportedModel:
    """Model read from an exported graph alone: no config, no checkpoint, no network in PyTorch.

    Args:
        path: ``.onnx`` file, run by ONNX Runtime, or OpenVINO's ``.xml`` beside its ``.bin``.
        threads: CPU threads; None for the engine's default.

    Attributes:
        tasks: Description of each task by its name: ``kind`` and, as far as the data set has them,
            ``classes``, ``unit``, ``palette``, ``names``.
        size: (height, width) of the images; None for any.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: The engine is not installed.
        ValueError: The file is no graph, or one without a description.
    """

    tasks: dict[str, dict[str, Any]]
    size: tuple[int, int] | None

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist: give an exported graph")
        opened = _open_openvino if path.suffix == ".xml" else _open_onnx
        text, self._run = opened(path, threads)
        if not text:
            raise ValueError(
                f"{path} does not describe its tasks: export it again with mtlplugins export"
            )
        described = json.loads(text)
        self.tasks = {task.pop("name"): task for task in described["tasks"]}
        self.size = described["size"] and tuple(described["size"])
        uncertain = [task for task, entry in self.tasks.items() if entry.pop("std", False)]
        self._outputs = (*self.tasks, *(f"{task}_std" for task in uncertain))

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Predict all tasks.

        Args:
            images: RGB images, uint8 (B, H, W, 3), at the size of the graph if it has one.

        Returns:
            By task: classes int64 (B, 1, H, W); depth in metres and unit normals, float32
            (B, C, H, W); probabilities of an image-level task, float32 (B, K). By
            ``<task>_std`` the standard deviations of tasks whose heads predict them.

        Raises:
            ValueError: The images have another shape, type or size.
        """
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(
                f"images are {images.dtype} {images.shape}: give RGB, uint8 (B, H, W, 3)"
            )
        if self.size and images.shape[1:3] != self.size:
            raise ValueError(
                f"images of {images.shape[1]} x {images.shape[2]}, but the graph is for "
                f"{self.size[0]} x {self.size[1]}: resize them, or export without --size"
            )
        found = self._run(images.transpose(0, 3, 1, 2).astype(np.float32))
        return dict(zip(self._outputs, found, strict=True))


def description(
    tasks: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    size: Sequence[int] | None,
    uncertain: Sequence[str] = (),
) -> str:
    """Write the description of a graph as JSON.

    Args:
        tasks: ``dataset_meta["tasks"]``, which has an entry for each task of the data.
        names: Tasks of the graph, in the order of its outputs.
        size: Fixed (height, width) of the images; None for any size.
        uncertain: Tasks whose standard deviations are further outputs.
    """
    stds = {task: dict(std=True) for task in uncertain}
    return json.dumps(
        dict(
            images="RGB, float32 of 0 to 255, (batch, 3, height, width)",
            size=size and list(size),
            tasks=[
                dict(name=name) | described_task(tasks.get(name, {})) | stds.get(name, {})
                for name in names
            ],
        )
    )


def described_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """Select what tells a stranger how to read the predictions of a task."""
    keys = ("kind", "unit", "classes", "palette", "names")
    return {key: task[key] for key in keys if task.get(key)}


def open_session(path: Path, threads: int | None) -> onnxruntime.InferenceSession:
    """Open a graph in ONNX Runtime on the CPU, with a number of threads or as many as it takes.

    Raises:
        ImportError: ONNX Runtime is not installed.
        ValueError: The file is no graph that it can run.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"{path} needs ONNX Runtime: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise ValueError(f"{path} is no graph that ONNX Runtime can run: {error}") from error


def _open_onnx(path: Path, threads: int | None) -> tuple[str, _Run]:
    session = open_session(path, threads)
    text = session.get_modelmeta().custom_metadata_map.get(KEY, "")
    return text, lambda images: session.run(None, dict(images=images))


def _open_openvino(path: Path, threads: int | None) -> tuple[str, _Run]:
    core = _core(import_openvino())
    try:
        graph = core.read_model(path)
    except RuntimeError as error:
        raise ValueError(f"{path} is no graph of OpenVINO: {error}") from error
    text = str(graph.get_rt_info([KEY]).value) if graph.has_rt_info([KEY]) else ""
    # a CPU with bfloat16 would compute in it: depth is off by centimetres
    settings: dict[str, Any] = dict(INFERENCE_PRECISION_HINT="f32")
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    run = core.compile_model(graph, "CPU", settings)
    return text, lambda images: [*run(dict(images=images)).values()]


@cache
def _core(openvino: ModuleType) -> Any:
    # one for the process: each sets the memory on which its thread handles signals, and in 2026.4
    # several may leave the thread without any
    return openvino.Core()


def import_openvino() -> Any:
    """Import OpenVINO.

    Raises:
        ImportError: It is not installed; the message says how to.
    """
    try:
        return import_module("openvino")
    except ImportError as error:
        raise ImportError("OpenVINO is not installed: pip install openvino") from error
