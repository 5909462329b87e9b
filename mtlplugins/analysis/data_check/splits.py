"""Splits of a config, with their unwrapped data sets."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS

from mtlplugins.common.dataset_leaves import leaf_datasets
from mtlplugins.config.tasks import leaves_of
from mtlplugins.datasets import MultiTaskDataset

from .findings import Problem

NAMES = ("train", "val", "test")


@dataclass
class Split:
    """Data sets of one data loader, or of several with the same data.

    Attributes:
        name: ``train``, ``val``, ``test``, or several that share their data, as ``val/test``.
        sources: The data sets; several if they are mixed.
    """

    name: str
    sources: list[MultiTaskDataset]

    @property
    def trains(self) -> bool:
        """True for training data."""
        return "train" in self.name.split("/")


def splits_of(cfg: Config) -> tuple[list[Split], list[Problem]]:
    """Build the data sets of a config, none of them resident: each file is read once here.

    Returns:
        The splits that could be built, and the problems of the others.
    """
    cfg = copy.deepcopy(cfg)
    for _, leaf in leaves_of(cfg):
        leaf.pop("resident", None)
    splits: list[Split] = []
    problems: list[Problem] = []
    built: list[tuple[Any, list[str]]] = []
    for name in NAMES:
        dataset = (cfg.get(f"{name}_dataloader") or {}).get("dataset")
        if dataset is None:
            continue
        same = [names for other, names in built if other == dataset]
        if same:
            same[0].append(name)
        else:
            built.append((dataset, [name]))
    for dataset, names in built:
        name = "/".join(names)
        try:
            splits.append(Split(name, list(_unwrapped(DATASETS.build(dataset)))))
        except Exception as error:  # a data set's class may raise anything
            problems.append(Problem("data set", f"{type(error).__name__}: {error}", name))
    return splits, problems


def _unwrapped(dataset: Any) -> Iterator[MultiTaskDataset]:
    for part in leaf_datasets(dataset):
        if not isinstance(part, MultiTaskDataset):
            raise TypeError(
                f"{type(part).__name__} is no MultiTaskDataset and wraps none: it cannot be checked"
            )
        part.full_init()
        yield part
