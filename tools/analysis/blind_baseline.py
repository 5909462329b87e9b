"""Score the blind baseline: most frequent class and median depth per position.

Any model must beat it. It is fitted to the training split and scored on the validation split.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, METRICS

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.apis import blind_scores, load_config
from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.common.progress import track
from mtlplugins.structures import MultiTaskDataSample


def targets(dataset: Sequence[dict], count: int) -> Iterator[MultiTaskDataSample]:
    """Load the targets of about ``count`` evenly spaced items."""
    chosen = range(0, len(dataset), max(1, len(dataset) // count))
    for index in track(chosen, "images"):
        yield dataset[index]["data_samples"]


def score_config(cfg: Config, *, train_images: int = 1000) -> dict[str, float]:
    """Score the blind predictors on a config's data.

    Args:
        cfg: A config with training and validation data and metrics.
        train_images: Approximate number of training images to fit to.

    Returns:
        Scores by ``<task>/<metric>``, from the config's metrics.
    """
    init_default_scope("mmseg")
    # validation pipeline: no augmentation
    pipeline = cfg.val_dataloader.dataset.pipeline
    train = DATASETS.build({**cfg.train_dataloader.dataset, "pipeline": pipeline})
    test = DATASETS.build(cfg.val_dataloader.dataset)
    metrics = [METRICS.build(metric) for metric in cfg.val_evaluator]
    return blind_scores(
        targets(train, train_images), targets(test, len(test)), metrics, test.metainfo
    )


def main() -> None:
    """Print the scores of the blind baseline on a config's data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    add_cfg_options(parser)
    args = parser.parse_args()
    scores = score_config(load_config(args.config, args.cfg_options))
    print("\n" + json.dumps({name: round(value, 4) for name, value in scores.items()}, indent=1))


if __name__ == "__main__":
    main()
