"""The search: runs of the candidates, rung by rung, and their scores."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from mtlplugins.analysis.results import Run, read_run
from mtlplugins.analysis.results.baselines import gain_of, owner
from mtlplugins.analysis.results.summary import Spread
from mtlplugins.analysis.run_commands import is_finished
from mtlplugins.common.arguments import parse_cfg_options
from mtlplugins.config import load_config

from .candidates import Weights, name_of, rungs


class Scored(NamedTuple):
    """Candidate of a rung with its scores.

    Attributes:
        weights: The weights.
        gain: Δm against the config's own weights in percent, over seeds.
        gains: Its part of each task, mean over seeds.
        scores: Scores of the last validation, over seeds.
    """

    weights: Weights
    gain: Spread
    gains: dict[str, float]
    scores: dict[str, Spread]


class Rung(NamedTuple):
    """Rung of a search: its length, and its candidates, the best first."""

    epochs: int
    scored: list[Scored]


class Search(NamedTuple):
    """Settings of a search.

    Attributes:
        config: The config file.
        cfg_options: Words after ``--cfg-options``, for the runs.
        candidates: Weights to try; the first is the reference, which every rung trains too.
        seeds: Seeds of the runs of each candidate.
        epochs: Length of the last rung.
        factor: See :func:`rungs`.
        metrics: Metrics that count; empty for all of the tasks that have a direction.
        work_dir: Folder of the runs.
    """

    config: str
    cfg_options: Sequence[str]
    candidates: Sequence[Weights]
    seeds: Sequence[int]
    epochs: int
    factor: int | None
    metrics: Sequence[str]
    work_dir: Path

    def run(self, train: Callable[[list[list[str]]], None], up: Mapping[str, bool]) -> list[Rung]:
        """Train and score all rungs.

        Args:
            train: Runs commands; finished runs are not among them.
            up: Whether higher is better, by metric.

        Returns:
            The rungs, the last and longest at the end.

        Raises:
            ValueError: A folder holds a run of another config, or a metric was not scored.
        """
        left = list(self.candidates)
        found = []
        plan = rungs(len(left), self.epochs, self.factor)
        for number, (_, epochs) in enumerate(plan):
            train(self.commands(left, epochs))
            scored = self._score(left, epochs, up)
            found.append(Rung(epochs, scored))
            if number + 1 < len(plan):
                best = [s.weights for s in scored[: plan[number + 1][0]]]
                reference = self.candidates[0]
                left = [reference, *(w for w in best if w != reference)]
        return found

    def folder(self, weights: Weights, seed: int, epochs: int) -> Path:
        """Return the work dir of one run."""
        return self.work_dir / f"{epochs}_epochs" / name_of(weights) / f"seed_{seed}"

    def commands(self, weights: Sequence[Weights], epochs: int) -> list[list[str]]:
        """List the commands of the runs that are not finished."""
        found = (self._command(w, seed, epochs) for w in weights for seed in self.seeds)
        return [command for command in found if command is not None]

    def _command(self, weights: Weights, seed: int, epochs: int) -> list[str] | None:
        folder = self.folder(weights, seed, epochs)
        options: dict[str, Any] = {
            "randomness.seed": seed,
            "train_cfg.max_epochs": epochs,
        } | {f"model.task_weights.{task}": weight for task, weight in weights.items()}
        words = [*self.cfg_options, *(f"{key}={value}" for key, value in options.items())]
        if is_finished(folder, load_config(self.config, parse_cfg_options(words))):
            return None
        train = [sys.executable, "-m", "mtlplugins", "train", self.config, "--resume"]
        return [*train, "--work-dir", str(folder), "--cfg-options", *words]

    def _score(self, left: Sequence[Weights], epochs: int, up: Mapping[str, bool]) -> list[Scored]:
        runs = {
            name_of(weights): [read_run(self.folder(weights, seed, epochs)) for seed in self.seeds]
            for weights in left
        }
        reference = _means(runs[name_of(self.candidates[0])])
        for metric in self.metrics:
            if metric not in reference or metric not in up:
                raise ValueError(
                    f"--metrics {metric}: not scored, or without a direction; there are "
                    f"{', '.join(name for name in reference if name in up)}"
                )
        chosen = self.metrics or [n for n in up if owner(n) in self.candidates[0]]
        base = {name: reference[name] for name in chosen if name in reference}
        tasks = list(dict.fromkeys(owner(n) for n in base))
        scored = []
        for weights in left:
            own = runs[name_of(weights)]
            gains = [gain_of(run.final, base, dict(up), tasks) for run in own]
            spreads = {n: Spread.of(run.final.get(n) for run in own) for n in base}
            by_task = {t: fmean(g[t] for g in gains if t in g) for t in tasks}
            gain = Spread.of(g.get("") for g in gains)
            if gain is None:
                raise ValueError(
                    f"{name_of(weights)}: a metric of {', '.join(tasks)} is missing, or the "
                    "reference has 0: give others by --metrics"
                )
            scores = {n: spread for n, spread in spreads.items() if spread}
            scored.append(Scored(weights, gain, by_task, scores))
        return sorted(scored, key=lambda s: -s.gain.mean)


def _means(runs: Sequence[Run]) -> dict[str, float]:
    names = set.intersection(*(set(run.final) for run in runs))
    return {name: fmean(run.final[name] for run in runs) for name in sorted(names)}
