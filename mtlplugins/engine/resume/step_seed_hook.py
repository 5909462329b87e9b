"""Make a training step's dropout and drop path a function of (seed, rank, iteration)."""

from __future__ import annotations

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mtlplugins.common.randomness import seed_all


@HOOKS.register_module()
class StepSeedHook(Hook):
    """Seed all generators before each step, so that a resumed run goes on as if never stopped."""

    priority = "VERY_HIGH"

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed from the run's seed, this process's rank and the iteration."""
        seed_all(runner.seed, get_rank(), runner.iter)
