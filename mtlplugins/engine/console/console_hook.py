"""Short console of a run: summary, progress bar with losses, table of scores."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmseg.registry import HOOKS

from mtlplugins.common.progress import Progress

from .summary import summarise

_RECENT = 10  # iterations over which the losses shown are averaged
#: Scalars of a training step that MMEngine logs itself, for any model.
_NOT_OF_TASKS = tuple(
    f"train/{name}"
    for name in ("lr", "base_lr", "momentum", "time", "data_time", "memory", "grad_norm")
)
_Batch = dict | tuple | list | None


@HOOKS.register_module()
class ConsoleHook(Hook):
    """Print what a person who trains wants to see, in place of MMEngine's log on the console.

    A summary of the run before the first iteration, a progress bar with the losses and scores of
    all tasks, and after each validation and test one table with the scores of all tasks and their
    change since the last one. The log file in the work dir still holds all that MMEngine logs. Only
    rank 0 prints.
    """

    priority = "LOWEST"  # losses and scores are in the message hub by then

    def __init__(self) -> None:
        self._training: Progress | None = None
        self._evaluation: Progress | None = None
        self._last: Mapping[str, float] = {}

    def before_train(self, runner: Runner) -> None:
        """Print the summary and start the progress bar."""
        if is_main_process():
            print(summarise(runner), flush=True)
            total = runner.train_loop.max_iters
            self._training = Progress(total, "iterations", sys.stdout, done=runner.iter)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: _Batch = None, outputs: dict | None = None
    ) -> None:
        """Advance the progress bar."""
        if self._training is not None:
            self._training.advance(1, note=lambda: _losses(runner))

    def after_train(self, runner: Runner) -> None:
        """End the line of the progress bar, and say where the files are."""
        if self._training is not None:
            self._training.close()
            print(f"Finished; checkpoints and logs are in {runner.work_dir}", flush=True)

    def before_val_epoch(self, runner: Runner) -> None:
        """Start a progress bar, on a terminal only: there are many validations in a run."""
        if is_main_process() and sys.stdout.isatty():
            loader = runner.val_loop.dataloader
            self._evaluation = Progress(len(loader), "batches validated", sys.stdout)

    def before_test_epoch(self, runner: Runner) -> None:
        """Start a progress bar."""
        if is_main_process():
            loader = runner.test_loop.dataloader
            self._evaluation = Progress(len(loader), "batches tested", sys.stdout)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: _Batch = None,
        outputs: Sequence | None = None,
    ) -> None:
        """Advance the progress bar."""
        if self._evaluation is not None:
            self._evaluation.advance(1)

    after_test_iter = after_val_iter

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Print the scores of all tasks, and their change since the last validation."""
        if self._evaluation is not None:
            self._evaluation.close()
            self._evaluation = None
        if is_main_process() and metrics:
            print(score_table(metrics, self._last, _reached(runner)), flush=True)
            self._last = dict(metrics)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Print the scores of all tasks."""
        if self._evaluation is not None:
            self._evaluation.close()
            self._evaluation = None
        if is_main_process() and metrics:
            print(score_table(metrics, {}, "test"), flush=True)


def score_table(scores: Mapping[str, float], last: Mapping[str, float], title: str) -> str:
    """Format scores as a table with a line per score.

    Args:
        scores: Scores by ``<task>/<metric>``.
        last: Earlier scores, for the column of changes; empty to leave it out.
        title: Title of the column of scores.
    """
    width = max(map(len, scores))
    lines = [f"{'':{width}}  {title:>12}" + (f"  {'change':>10}" if last else "")]
    for name, score in scores.items():
        change = f"  {score - last[name]:>+10.4g}" if name in last else ""
        lines.append(f"{name:{width}}  {score:>12.4g}{change}")
    return "\n".join(lines)


def _reached(runner: Runner) -> str:
    if runner.epoch:
        return f"epoch {runner.epoch}"
    return f"iteration {runner.iter}" if runner.iter else "score"


def _losses(runner: Runner) -> str:
    """Format the recent means of the losses and scores of a training step."""
    means = {
        name.removeprefix("train/"): history.mean(_RECENT)
        for name, history in runner.message_hub.log_scalars.items()
        if name.startswith("train/") and not name.startswith(_NOT_OF_TASKS)
    }
    shown = [
        f"{n} {value:.3g}" for n, value in means.items() if not n.endswith(("_weight", "_share"))
    ]
    if isinstance(runner.train_loop, EpochBasedTrainLoop):
        shown.insert(0, f"epoch {runner.epoch + 1}")
    return ", ".join(shown)
