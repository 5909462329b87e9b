"""Pipelines of data sets that wrap others, such as mmseg's ``MultiImageMixDataset``."""

from __future__ import annotations

from typing import Any

from mtlplugins.common.dataset_leaves import parts_of


def check_wrapped_pipelines(dataset: Any) -> None:
    """Let the data sets inside refuse what a wrapper's own transforms would do to their targets.

    Args:
        dataset: May wrap or join others, to any depth.

    Raises:
        ValueError: As a data set says of its own pipeline; names the transform.
    """
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    for other in inner:
        if other is None:
            continue
        if pipeline := getattr(dataset, "pipeline", None):
            for part in parts_of(other):
                if hasattr(part, "check_pipeline"):
                    part.check_pipeline(getattr(pipeline, "transforms", pipeline))
        check_wrapped_pipelines(other)
