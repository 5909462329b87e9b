"""Training run, read from its work dir."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from mmengine.config import Config

from mtlplugins.analysis.experiments import experiment_of

from .logs import Log, Validation, log_files, read_log


@dataclass
class Run:
    """Training run: config, log and checkpoints of a work dir.

    Attributes:
        work_dir: The folder.
        config: The config of the last start.
        stem: Name of the config file, without suffix.
        log: The joined log of all starts.
        unit: Unit of ``length``, ``'epoch'`` or ``'iteration'``.
        length: Number of epochs or iterations to train for.
    """

    work_dir: Path
    config: Config
    stem: str
    log: Log
    unit: str
    length: int

    @cached_property
    def experiment(self) -> dict[str, Any]:
        """Published results of the experiment; empty if there are none."""
        return experiment_of(self.config, self.stem)

    @property
    def name(self) -> str:
        """Name of the experiment, or of the config."""
        return self.experiment.get("name") or self.stem

    @property
    def seed(self) -> int | None:
        """Seed of the run; None if the config sets none."""
        return (self.config.get("randomness") or {}).get("seed")

    @property
    def done(self) -> int:
        """Number of epochs or iterations begun; 0 before the first log entry."""
        if not self.log.train:
            return 0
        last = self.log.train[-1]
        return last.step if self.unit == "iteration" else last.epoch or 0

    @cached_property
    def complete(self) -> bool:
        """Whether the run reached its end and, if it validates, finished its last validation."""
        if not _validates(self.config):
            return self._saved_its_end and bool(self.log.train)
        if not self.log.validations:
            return False
        last = self.log.validations[-1]
        # a validation without its iteration has that of the last entry, which may be too small
        reached = last.position >= self.length or (self.unit == "iteration" and self._saved_its_end)
        return reached and last.after == self.log.train[-1].step

    @property
    def extent(self) -> str:
        """Length with its unit, e.g. ``'8 epochs'``."""
        return f"{self.length} {self.unit}" + ("s" if self.length > 1 else "")

    @property
    def state(self) -> str:
        """``'complete'``, or the progress of an incomplete run."""
        if self.complete:
            return "complete"
        if self._saved_its_end:
            return f"incomplete: {self.extent}, but not its last validation"
        return f"incomplete: {self.unit} {self.done} of {self.length}"

    @property
    def _saved_its_end(self) -> bool:
        return self.checkpoint is not None and _number(self.checkpoint) == self.length

    @property
    def final(self) -> dict[str, float]:
        """Scores of the last validation so far."""
        return self.log.validations[-1].scores if self.log.validations else {}

    @cached_property
    def tested(self) -> dict[str, float]:
        """Scores of the last test in the work dir (``tools/test.py``); empty without one."""
        files = [f for f in self.work_dir.glob("*/*.json") if f.stem == f.parent.name]
        if not files:
            return {}
        scores = json.loads(max(files, key=lambda file: file.stem).read_text(encoding="utf-8"))
        return {name: float(value) for name, value in scores.items() if "/" in name}

    @cached_property
    def best(self) -> dict[str, Validation]:
        """Validation of each best checkpoint, by the metric that chose it (``save_best``)."""
        found = {}
        for path in sorted(self.work_dir.glob("best_*.pth")):
            match = re.fullmatch(r"best_(.+)_(?:epoch|iter)_(\d+)", path.stem)
            if match is None:
                continue
            for validation in self.log.validations:
                if validation.position == int(match[2]):
                    names = {name.replace("/", "_"): name for name in validation.scores}
                    found[names.get(match[1], match[1])] = validation
        return found

    @cached_property
    def checkpoint(self) -> Path | None:
        """Path of the last checkpoint; None if there is none (any more)."""
        note = self.work_dir / "last_checkpoint"
        if not note.is_file():
            return None
        # by its name only: the folder may have been moved
        path = self.work_dir / Path(note.read_text().strip()).name
        return path if path.is_file() else None

    @property
    def iterations_per_epoch(self) -> int | None:
        """Steps between the first log entries of two epochs; None before the second epoch."""
        firsts: dict[int, int] = {}
        for entry in self.log.train:
            if entry.epoch is not None:
                firsts.setdefault(entry.epoch, entry.step)
        for epoch, step in firsts.items():
            if epoch + 1 in firsts:
                return firsts[epoch + 1] - step
        return None

    @property
    def time_per_iteration(self) -> float | None:
        """Mean seconds per training iteration, loading included."""
        times = [entry.time for entry in self.log.train if entry.time is not None]
        return fmean(times) if times else None

    @property
    def time_per_epoch(self) -> float | None:
        """Mean seconds per epoch of training, without validation; None before the second epoch."""
        if self.iterations_per_epoch is None or self.time_per_iteration is None:
            return None
        return self.iterations_per_epoch * self.time_per_iteration

    @property
    def final_training(self) -> dict[str, float]:
        """Losses and accuracies of the last epoch, as means over its log entries.

        If the run counts iterations, those of the last entry.
        """
        if not self.log.train:
            return {}
        last = self.log.train[-1]
        entries = [e for e in self.log.train if last.epoch is not None and e.epoch == last.epoch]
        return {
            name: fmean(e.values[name] for e in entries or [last] if name in e.values)
            for name in last.values
        }


def read_run(work_dir: str | Path) -> Run:
    """Read a work dir.

    Args:
        work_dir: Folder of a training run by MMEngine's runner, with its ``LocalVisBackend``.

    Raises:
        FileNotFoundError: There is no such folder, or no config in it.
        ValueError: The log is damaged or missing although the run trained, or the config sets no
            length of training.
    """
    work_dir = Path(work_dir)
    if not work_dir.is_dir():
        raise FileNotFoundError(f"no folder {work_dir}")
    dumped = sorted(work_dir.glob("*.py"), key=lambda path: path.stat().st_mtime)
    logs = log_files(work_dir)
    # a later test in the same folder writes configs too; prefer the one beside the last log
    beside = [log.with_name("config.py") for log in logs[-1:]]
    candidates = [path for path in [*beside, *reversed(dumped)] if path.is_file()]
    if not candidates:
        raise FileNotFoundError(f"{work_dir} holds no config (*.py): is it a work dir?")
    if not logs and (work_dir / "last_checkpoint").is_file():
        raise ValueError(
            f"{work_dir} holds a checkpoint but no */vis_data/scalars.json: keep a LocalVisBackend "
            "in visualizer.vis_backends, the scores are read from its files"
        )
    try:
        config = Config.fromfile(candidates[0])
    except Exception as error:  # a config is code and may raise anything
        raise ValueError(
            f"{candidates[0]} cannot be read: {type(error).__name__}: {error}"
        ) from error
    train_cfg = config.get("train_cfg") or {}
    unit = "epoch" if train_cfg.get("max_epochs") else "iteration"
    length = train_cfg.get("max_epochs") or train_cfg.get("max_iters")
    if not length:
        raise ValueError(f"{candidates[0]}: train_cfg sets neither max_epochs nor max_iters")
    log = read_log(logs, by_epoch=unit == "epoch")
    stem = dumped[-1].stem if dumped else work_dir.name
    return Run(work_dir, config, stem, log, unit, length)


def _validates(config: Config) -> bool:
    return config.get("val_cfg") is not None and config.get("val_dataloader") is not None


def _number(checkpoint: Path) -> int | None:
    match = re.search(r"_(\d+)$", checkpoint.stem)
    return int(match[1]) if match else None
