"""Early validation of config values, with errors that name the key."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from mmengine.config import Config
from mmengine.registry import OPTIMIZERS as ROOT_OPTIMIZERS
from mmseg.registry import OPTIMIZERS

from .arguments import check_arguments
from .keys import check_keys
from .mirrored_views import check_mirrored_views
from .ranges import check_numbers
from .schedules import check_schedules
from .scores import check_scores
from .writable import check_writable


def check_values(cfg: Config) -> None:
    """Check keys, numbers, optimizer, schedules, watched scores and test-time augmentation.

    Args:
        cfg: A config; missing keys are not required. Missing rules of watched scores are set.

    Raises:
        ValueError: The optimizer is unknown, or one of the other checks refuses the config.
    """
    check_writable(cfg)
    check_keys(cfg)
    check_arguments(cfg)
    check_numbers(cfg)
    _check_optimizer((cfg.get("optim_wrapper") or {}).get("optimizer") or {})
    check_schedules(cfg)
    check_scores(cfg)
    check_mirrored_views(cfg)


def _check_optimizer(optimizer: dict[str, Any]) -> None:
    kind = optimizer.get("type")
    if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
        similar = get_close_matches(kind, ROOT_OPTIMIZERS.module_dict) or ["AdamW", "SGD"]
        raise ValueError(
            f"optim_wrapper.optimizer.type={kind!r} is no optimizer; there are, for example, "
            f"{', '.join(similar)}"
        )
