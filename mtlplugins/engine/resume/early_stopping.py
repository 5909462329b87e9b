"""Exact resume of MMEngine's ``EarlyStoppingHook``."""

from __future__ import annotations

from mmengine.hooks import EarlyStoppingHook
from mmengine.runner import Runner


def replay_scores(runner: Runner) -> None:
    """Replay the past validation scores, from the message hub, to early-stopping hooks.

    The hooks keep the best score and the number of validations since in memory only, so a resumed
    run would train longer than an uninterrupted one. A run that had stopped early stays stopped.

    Args:
        runner: A resumed runner whose message hub is loaded.
    """
    stopped = []
    for hook in runner.hooks:
        if not isinstance(hook, EarlyStoppingHook):
            continue
        name = f"val/{hook.monitor}"
        scores = runner.message_hub.log_scalars.get(name)
        for score in scores.data[0] if scores is not None else ():
            runner.train_loop.stop_training = False
            hook.after_val_epoch(runner, {hook.monitor: float(score)})
        stopped.append(runner.train_loop.stop_training)
    runner.train_loop.stop_training = any(stopped)
