"""Deterministic training steps: dropout and drop path depend on (seed, rank, iteration)."""

from __future__ import annotations

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.randomness import seed_all


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seed all generators before each step, so that a resumed run is reproducible bit by bit."""

    priority = "VERY_HIGH"

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed from the run's seed, the rank and the iteration."""
        seed_all(runner.seed, get_rank(), runner.iter)
