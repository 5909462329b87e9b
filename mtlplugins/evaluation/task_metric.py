"""Base class of metrics: a vector of running sums per task, added up over the ranks."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from mmengine.dist import all_reduce, get_dist_info
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from mtlplugins.kinds import serves

from .batch_means import BatchMeans


class TaskMetric(BaseMetric):
    """Metric of one task, computed from a single float64 vector of sums.

    The state has the same size after one image and after a million, and an all-reduce adds up the
    vectors of the ranks. MMEngine's own way stores one entry per image, gathers all of them and
    cuts the list to the length of the data set, which drops the images that a sampler repeats to
    round up (``DefaultSampler(round_up=True)``). Here these repeats are left out too: there is at
    most one per rank, its last image.

    Samples without ``gt_<task>`` are skipped. If nothing at all was scored, every metric is NaN and
    a warning names the task.

    A subclass registers for its kind by ``part_of_kind(kind, "metric")``, sets ``names``,
    ``higher_is_better`` and ``num_sums``, and implements ``score`` and ``compute_metrics``.

    A metric with ``protocols`` also computes, if asked, some of its results as a protocol of papers
    does; these are named ``<task>/<protocol>/<name>``. See :class:`BatchMeans`.

    Args:
        task: Name of the task; also the prefix of the metric names (``<task>/<name>``).
        protocol: One of ``protocols``; None for the metric's own results alone.

    Raises:
        ValueError: The protocol is unknown.
    """

    kind: str  # the kind of target, as in dataset_meta["tasks"][task]["kind"]
    names: tuple[str, ...]  # the keys of the result
    higher_is_better: dict[str, bool]  # the direction of each of them
    #: The results that a protocol averages over batches, by its name.
    protocols: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self, task: str, *, protocol: str | None = None) -> None:
        super().__init__(prefix=task)
        self.task = task
        self.protocol = protocol
        if protocol is not None:
            if protocol not in self.protocols:
                raise ValueError(
                    f"task '{task}': protocol={protocol!r}: give one of "
                    f"{', '.join(self.protocols) or 'none, as this metric has no protocols'}"
                )
            up = {f"{protocol}/{n}": self.higher_is_better[n] for n in self.protocols[protocol]}
            self.names = (*self.names, *up)
            self.higher_is_better = {**self.higher_is_better, **up}
        self._reset()

    @property
    @abstractmethod
    def num_sums(self) -> int:
        """Length of the vector of sums."""

    @abstractmethod
    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return the sums of one image.

        Args:
            target: Fields of ``gt_<task>``, on the CPU.
            prediction: Fields of ``pred_<task>``, on the CPU.

        Returns:
            float64 (num_sums,); element 0 counts the scored items (pixels or images).
        """

    @abstractmethod
    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Compute the metrics from the sums (num_sums,) of all images of all ranks; [0] is > 0."""

    @BaseMetric.dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict[str, Any] | None) -> None:
        """Set the data set's meta, merged with the entry of this task.

        ``classes`` is then at the top level, where mmseg's metrics look for it.

        Raises:
            KeyError: The data set has no such task.
            ValueError: The task is of another kind than this metric scores.
        """
        if dataset_meta is not None:
            tasks = dataset_meta.get("tasks", {})
            if self.task not in tasks:
                raise KeyError(
                    f"the evaluator has a metric of task '{self.task}', but the data set has no "
                    f"task '{self.task}', only {', '.join(sorted(tasks))}; correct the metric's "
                    "`task`"
                )
            entry = tasks[self.task]
            if entry["kind"] != self.kind and not serves(self, entry["kind"], "metric"):
                raise ValueError(
                    f"the evaluator's metric of task '{self.task}' scores tasks of kind "
                    f"'{self.kind}', but this is of kind '{entry['kind']}': use that kind's metric"
                )
            dataset_meta = {**dataset_meta, **entry}
            self._check_dataset(dataset_meta)
        self._dataset_meta = dataset_meta

    def _check_dataset(self, meta: dict[str, Any]) -> None:
        """Check this metric's arguments against the data set, before any batch; may raise."""

    @property
    def num_classes(self) -> int:
        """Number of classes of the task, from the data set's meta."""
        if self.dataset_meta is None:
            raise RuntimeError(
                f"{type(self).__name__} needs the classes of task '{self.task}': set "
                "`metric.dataset_meta = dataset.metainfo` before the first batch."
            )
        return len(self.dataset_meta["classes"])

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add the sums of a batch.

        Args:
            data_batch: Not used.
            data_samples: Samples as dictionaries, with ``pred_<task>``, and with ``gt_<task>`` if
                the image has the target.

        Raises:
            KeyError: A sample has the target but no prediction.
        """
        for sample in data_samples:
            self._keep_last()
            self._last = self._score_sample(sample)
            self._seen += 1

    def _keep_last(self) -> None:
        """Add the last image to the sums: it is no repeat."""
        if self._last is None:
            return
        self._sums = self._last if self._sums is None else self._sums + self._last
        if self._batches is not None:
            self._batches.add(self._last)

    def _score_sample(self, sample: dict) -> Tensor:
        if f"gt_{self.task}" not in sample:
            return torch.zeros(self.num_sums, dtype=torch.float64)
        if f"pred_{self.task}" not in sample:
            raise KeyError(
                f"image {sample.get('img_path', '(no img_path)')} has a target of task "
                f"'{self.task}' but no 'pred_{self.task}': the model does not predict this task. "
                "Give the model a head for it, or remove the task's metric."
            )
        # On the CPU: float64 and histograms work there on every platform and are deterministic.
        fields = [
            {name: value.detach().cpu() for name, value in sample[f"{which}_{self.task}"].items()}
            for which in ("gt", "pred")
        ]
        try:
            return self.score(*fields)
        except ValueError as error:
            where = f"task '{self.task}', image {sample.get('img_path', '(no img_path)')}"
            raise ValueError(f"{where}: {error}") from error

    def evaluate(self, size: int) -> dict[str, float]:
        """Add up the sums of all ranks and compute the metrics.

        Args:
            size: Length of the data set.

        Returns:
            ``<task>/<name>`` to value, the same on every rank.
        """
        rank, world_size = get_dist_info()
        seen = torch.tensor(self._seen)
        all_reduce(seen)
        # Samplers deal images to the ranks in turn, so this rank's last image has this position.
        last_position = (self._seen - 1) * world_size + rank
        is_repeat = world_size > 1 and int(seen) > size and last_position >= size

        if not is_repeat:
            self._keep_last()
        sums = torch.zeros(self.num_sums, dtype=torch.float64)
        if self._sums is not None:
            sums += self._sums
        all_reduce(sums)
        means = self._batches.means() if self._batches is not None else {}
        self._reset()

        if sums[0] > 0:
            metrics = self.compute_metrics(sums)
            metrics |= {f"{self.protocol}/{name}": value for name, value in means.items()}
        else:
            print_log(
                f"Task '{self.task}': no image had anything to score (no target, or no valid "
                "pixel in any target); its metrics are NaN.",
                logger="current",
                level=logging.WARNING,
            )
            metrics = dict.fromkeys(self.names, float("nan"))
        return {f"{self.prefix}/{name}": value for name, value in metrics.items()}

    def _reset(self) -> None:
        self._sums: Tensor | None = None  # every image but the last
        self._last: Tensor | None = None  # the last image, which may turn out to be a repeat
        self._seen = 0
        self._batches: BatchMeans | None = None
        if self.protocol is not None:
            self._batches = BatchMeans(self.protocols[self.protocol], self.compute_metrics)


def check_same_shape(target: Tensor, prediction: Tensor) -> None:
    """Refuse a predicted map of another shape than the ground truth.

    Raises:
        ValueError: The shapes differ.
    """
    if target.shape != prediction.shape:
        raise ValueError(
            f"the ground truth is {tuple(target.shape)} but the prediction "
            f"{tuple(prediction.shape)}; the model must resize its prediction to the ground truth"
        )
