"""Check of the pipelines of wrapping data sets, such as mmseg's ``MultiImageMixDataset``."""

from __future__ import annotations

from typing import Any

from mtlplugins.common.dataset_leaves import leaf_datasets


def check_wrapped_pipelines(dataset: Any) -> None:
    """Let the wrapped data sets check the transforms of their wrappers' pipelines.

    Args:
        dataset: A data set that may wrap or join others, to any depth.

    Raises:
        ValueError: As for a data set's own pipeline; names the transform.
    """
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    for other in inner:
        if other is None:
            continue
        if pipeline := getattr(dataset, "pipeline", None):
            for part in leaf_datasets(other):
                if hasattr(part, "check_pipeline"):
                    part.check_pipeline(getattr(pipeline, "transforms", pipeline))
        check_wrapped_pipelines(other)
