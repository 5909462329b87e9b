"""MMEngine's early stopping goes on with what it had counted."""

from __future__ import annotations

from mmengine.hooks import EarlyStoppingHook
from mmengine.runner import Runner


def recount(runner: Runner) -> None:
    """Show a resumed run's early-stopping hooks the validations that were, from the message hub.

    They keep the best score and the validations since in memory alone, so that a resumed run would
    train longer than one that was not stopped. One that had stopped early stays stopped.

    Args:
        runner: Resumed, with its message hub loaded.
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
