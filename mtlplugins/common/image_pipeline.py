"""The transforms that a config has for images to predict."""

from __future__ import annotations

from mmengine.config import Config


def image_pipeline_of(cfg: Config) -> list[dict]:
    """Return the transforms of an image file: ``test_pipeline``, or those of the test data set.

    The data set may be wrapped in others. Empty if there are none.
    """
    if cfg.get("test_pipeline"):
        return cfg.test_pipeline
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    while not dataset.get("pipeline") and isinstance(dataset.get("dataset"), dict):
        dataset = dataset["dataset"]
    return dataset.get("pipeline") or []
