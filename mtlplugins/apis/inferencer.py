"""Inferencer: predictions of a trained model for images, from Python."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.datasets.transforms import LoadImageFromNDArray
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.analysis.embeddings import conditioned_embedding, mixed_rows
from mtlplugins.common.image_pipeline import image_pipeline_of
from mtlplugins.common.text import few
from mtlplugins.config.load import load_config
from mtlplugins.config.mirrored_views import check_mirrored_views
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.io.checkpoint import load_state, read_checkpoint
from mtlplugins.models.inference.graphs import GraphedNetwork
from mtlplugins.models.inference.half_weights import halve_weights, in_bfloat16
from mtlplugins.visualization import prediction_file

from .images import ChannelOrder, InputImage, Source, is_one_image, iterate_images
from .prediction import Prediction

#: Weights by task, for all predicted tasks or for each of them.
Mixture = Mapping[str, float] | Mapping[str, Mapping[str, float]]


class MultiTaskInferencer:
    """Predict all tasks of a model, or some of them, for images.

    Several threads may use one inferencer at once.

    Args:
        config: Config file, ``mtlplugins::NAME`` or object; it is code and must come from someone
            you trust.
        checkpoint: Checkpoint file, loaded safely: no code in it is run.
        tasks: Tasks to predict; None for all. Only their rows are computed.
        device: Device to run on; None for the GPU if there is one, else the CPU.
        amp: Compute in bfloat16, as ``--amp`` trains, on a CPU too; weights are converted once.
        graphs: Replay the network as a CUDA graph, for images of few sizes: one graph is captured
            at the first batch of a size, for up to eight; see
            :class:`mtlplugins.models.inference.graphs.GraphedNetwork`.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        ValueError: The config has no model, a task is unknown, or the checkpoint is of another
            architecture, has weights that are not finite or does not describe its tasks, or
            ``test_cfg.tta`` mirrors views that cannot be merged; or ``graphs`` without CUDA.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        *,
        tasks: Sequence[str] | None = None,
        device: str | None = None,
        amp: bool = False,
        graphs: bool = False,
    ) -> None:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if graphs and torch.device(device).type != "cuda":
            raise ValueError(
                f"graphs=True captures CUDA graphs, but the device is {device!r}: take "
                "device='cuda', or leave graphs=True out"
            )
        cfg = copy.deepcopy(config) if isinstance(config, Config) else load_config(config)
        checkpoint = str(checkpoint)
        init_default_scope("mmseg")
        if cfg.get("model") is None:
            raise ValueError("the config has no `model`: give one that a model was trained by")
        cfg.model.test_cfg = {**(cfg.model.get("test_cfg") or {}), "tasks": tasks}
        check_mirrored_views(cfg)
        self.model = MODELS.build(cfg.model)
        state, meta = read_checkpoint(checkpoint)
        load_state(self.model, state, checkpoint)
        broken = [name for name, p in self.model.named_parameters() if not p.isfinite().all()]
        if broken:
            raise ValueError(
                f"{checkpoint} holds weights that are not finite, {few(broken)}: its training went "
                "wrong; give an earlier checkpoint"
            )
        self.dataset_meta = _described_tasks(meta, checkpoint)
        self.model.to(device).eval()
        if amp:
            halve_weights(self.model)
            self.model.encode_decode = in_bfloat16(self.model.encode_decode)
        if graphs:
            self.model.encode_decode = GraphedNetwork(self.model.encode_decode)
        self._transforms = image_pipeline_of(cfg)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that are predicted by default."""
        return self.model.predicted_tasks

    @cached_property
    def pipeline(self) -> Compose:
        """Transforms of an image file; built at first use, because an export needs none.

        Raises:
            ValueError: The config has no transforms.
        """
        if not self._transforms:
            raise ValueError(
                "the config has no transforms for an image file: give it test_pipeline=[…], or "
                "test_dataloader.dataset.pipeline"
            )
        return Compose(self._transforms)

    @cached_property
    def _pipeline_of_pixels(self) -> Compose:
        """The same transforms for an image in memory."""
        own = [
            LoadImageFromNDArray() if isinstance(transform, LoadImageFromFile) else transform
            for transform in self.pipeline.transforms
        ]
        return Compose(own)

    def __call__(
        self,
        images: Source,
        *,
        tasks: Sequence[str] | None = None,
        mixture: Mixture | None = None,
        batch_size: int = 1,
        channel_order: ChannelOrder = "bgr",
    ) -> Prediction | list[Prediction]:
        """Predict the tasks of one image or several.

        Args:
            images: An image file, NumPy array, Pillow image or tensor; or several: a list of them,
                a folder, a pattern such as ``"photos/*.jpg"``, or an array (N, H, W, 3);
                :func:`mtlplugins.apis.images.iterate_images` says what each holds. For a video or a
                camera use :meth:`stream`.
            tasks: Tasks to predict; None for those of the inferencer. Only their rows are computed.
            mixture: Embeddings to predict with in place of the tasks' own, as weights by task, see
                :func:`mtlplugins.analysis.mix`: the same for all predicted tasks,
                ``dict(semantic=1, depth=5)``, or one for each, ``dict(depth=dict(semantic=1))``.
            batch_size: Number of images in a forward pass; images that differ in size after the
                transforms are in different passes.
            channel_order: Order of the channels of NumPy arrays, ``"bgr"`` or ``"rgb"``.

        Returns:
            For one image a :class:`Prediction`, at the image's size; for several a list of them.

        Raises:
            FileNotFoundError: There is no such file, or a folder has no image.
            ValueError: An image is of another shape or type, a task is unknown, or the model is not
                conditioned and has no embeddings to mix.
            mtlplugins.datasets.reading.files.BrokenFile: An image file cannot be read.
        """
        options: dict[str, Any] = dict(tasks=tasks, mixture=mixture, channel_order=channel_order)
        if is_one_image(images):
            return next(self.stream(images, **options))
        if isinstance(images, int) or (isinstance(images, (str, Path)) and Path(images).is_file()):
            raise ValueError(
                f"{images} is a video or camera: iterate over inferencer.stream({images!r}), which "
                "keeps one frame in memory at a time"
            )
        return list(self.stream(images, batch_size=batch_size, **options))

    def stream(
        self,
        source: Source,
        *,
        tasks: Sequence[str] | None = None,
        mixture: Mixture | None = None,
        batch_size: int = 1,
        channel_order: ChannelOrder = "bgr",
    ) -> Iterator[Prediction]:
        """Predict images one batch at a time, in constant memory; see :meth:`__call__`.

        Args:
            source: Images as above, a video file, or the index of a camera.
            tasks: As above.
            mixture: As above.
            batch_size: As above.
            channel_order: As above.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size}: give 1 or more")
        asked = self._check_tasks(tasks)
        embedding = self._embedding(mixture, asked)
        images = iterate_images(source, channel_order)
        while batch := list(islice(images, batch_size)):
            yield from self._predict(batch, asked, embedding)

    @torch.no_grad()
    def _predict(
        self,
        images: Sequence[InputImage],
        tasks: Sequence[str],
        embedding: Callable[[Sequence[str]], Tensor] | None,
    ) -> Iterator[Prediction]:
        packed = [self._transform(image) for image in images]
        start = 0
        while start < len(packed):
            size = packed[start]["inputs"].shape
            group = []
            while start + len(group) < len(packed):
                item = packed[start + len(group)]
                if item["inputs"].shape != size:
                    break
                group.append(item)
            batch = {key: [item[key] for item in group] for key in ("inputs", "data_samples")}
            data = self.model.data_preprocessor(batch, False)
            samples = self.model.predict(**data, tasks=tasks, embedding=embedding)
            for image, sample in zip(images[start:], samples, strict=False):
                yield Prediction(image.name, image, sample.cpu(), self.dataset_meta["tasks"])
            start += len(group)

    def _transform(self, image: InputImage) -> dict[str, Any]:
        if image.path is None:
            return cast(dict, self._pipeline_of_pixels(dict(img=image.pixels)))
        try:
            return cast(dict, self.pipeline(dict(img_path=str(image.path))))
        except BrokenFile as error:  # its advice is for data sets; the reason alone
            reason = error.__cause__ or error
            message = f"image {image.path} cannot be read ({str(reason) or type(reason).__name__})"
            raise BrokenFile(message, str(image.path)) from reason

    def _check_tasks(self, tasks: Sequence[str] | None) -> tuple[str, ...]:
        if tasks is None:
            return self.tasks
        tasks = (tasks,) if isinstance(tasks, str) else tuple(tasks)
        unknown = [task for task in tasks if task not in self.model.tasks]
        if unknown or not tasks:
            raise ValueError(
                f"tasks={list(tasks)}: give some of this model's: {', '.join(self.model.tasks)}"
            )
        return tasks

    def _embedding(
        self, mixture: Mixture | None, tasks: Sequence[str]
    ) -> Callable[[Sequence[str]], Tensor] | None:
        if mixture is None:
            return None
        own = conditioned_embedding(self.model)
        if all(isinstance(weights, Mapping) for weights in mixture.values()):
            return mixed_rows(own, cast(Mapping[str, Mapping[str, float]], mixture))
        return mixed_rows(own, {task: cast(Mapping[str, float], mixture) for task in tasks})

    def files(self, out: str | Path, stem: str) -> list[Path]:
        """List the files of predictions that :meth:`Prediction.save` will write."""
        described = self.dataset_meta["tasks"]
        return [
            prediction_file(Path(out), task, described[task]["kind"], stem)
            for task in self.tasks
            if task in described
        ]


def _described_tasks(meta: Any, checkpoint: str) -> dict[str, Any]:
    """Read the description of the tasks from a checkpoint's ``meta``, which may hold anything."""
    described = meta.get("dataset_meta") if isinstance(meta, dict) else None
    tasks = described.get("tasks") if isinstance(described, dict) else None
    entries = tasks.values() if isinstance(tasks, dict) else [None]
    complete = all(isinstance(entry, dict) and "kind" in entry for entry in entries)
    if not isinstance(described, dict) or not complete:
        raise ValueError(f"{checkpoint} does not describe its tasks: was it saved by training?")
    return described
