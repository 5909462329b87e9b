"""Reproduce a figure of the image-classification study: train and test its models, print a table.

    python tools/analysis/study_table.py 7 --seeds 0 1 2 --cfg-options data_root=DIR

Each of the figures 3 to 14 is one network with its tasks; its models are settings of it. The model
"ours" is the same network trained by our recipe. Finished runs are skipped and interrupted ones
resumed, so the command can be repeated at any time.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.analysis.results import read_run
from mtlplugins.analysis.run_commands import add_series_arguments, is_finished, run_steps
from mtlplugins.apis import load_config
from mtlplugins.common.arguments import parse_cfg_options

ROOT = Path(__file__).resolve().parents[2]
STUDY = json.loads((ROOT / "configs/cifar/study.json").read_text())
FIGURES = [int(key) for key in STUDY if key.isdigit()]
#: Default learning rates of Keras, which the study uses.
LEARNING_RATES = dict(Adam=1e-3, SGD=0.01)
OURS = "ours"


def config_path(figure: int, model: int | str) -> str:
    """Return the path of the config of a figure's model."""
    name = STUDY[str(figure)]["config"] + ("_ours" if model == OURS else "")
    return str(ROOT / f"configs/cifar/{name}.py")


def models_of(figure: int) -> list[int | str]:
    """List the models of a figure: numbers of the study's models, and ours."""
    return [*range(1, len(STUDY[str(figure)]["rows"]) + 1), OURS]


def row_options(figure: int, model: int, tasks: Sequence[str]) -> list[str]:
    """Return the ``--cfg-options`` that turn a figure's config into one of its models.

    Args:
        figure: Number of the figure, 3 to 14.
        model: Number of the model in the figure.
        tasks: Tasks of the config; the first has weight γ, the second 1 - γ.
    """
    entry = STUDY[str(figure)]
    row = dict(zip(STUDY["columns"], entry["rows"][model - 1], strict=True))
    optimizer = row["optimizer"]
    options = [
        f"train_dataloader.batch_size={row['batch size']}",
        f"optim_wrapper.optimizer.type={optimizer}",
        f"optim_wrapper.optimizer.lr={LEARNING_RATES[optimizer]}",
        *(f"model.heads.{task}.dropout={float(row['dropout'])}" for task in tasks),
    ]
    if row["gamma"] is not None:
        shares = (row["gamma"], round(1 - row["gamma"], 6))
        for task, share in zip(tasks, shares, strict=True):
            options.append(f"model.task_weights.{task}={share}")
    options += [
        f"experiment.name=figure_{figure}_model_{model}",
        f"experiment.figure.model={model}",
        f"experiment.figure.seconds_per_epoch={entry['seconds_per_epoch']}",
    ]
    for index, task in enumerate(tasks):
        for key, column, factor in (
            ("figure.train.{}/loss", "train loss", 1),
            ("figure.train.{}/acc", "train accuracy", 100),
            ("published.{}/cross_entropy", "test loss", 1),
            ("published.{}/top1", "test accuracy", 100),
        ):
            value = round(row[column][index] * factor, 3)
            options.append(f"experiment.{key.format(task)}={value}")
    return options


def steps(
    figure: int,
    *,
    models: Sequence[int | str],
    seeds: Sequence[int],
    root: Path,
    options: Sequence[str],
    parsed: dict[str, Any],
) -> list[list[str]]:
    """List the commands still to be run for a figure, in order.

    Args:
        figure: Number of the figure, 3 to 14.
        models: Models of the figure to run.
        seeds: Seeds; each model is run once per seed.
        root: Folder of the runs, ``figure_N/model_M/seed_S`` each.
        options: ``--cfg-options`` as typed.
        parsed: The same options parsed, by dotted key.

    Raises:
        ValueError: ``root`` holds a run of another length.
    """
    todo, folders = [], []
    for model in models:
        config = config_path(figure, model)
        cfg = load_config(config, parsed)
        tasks = list(cfg.model.get("tasks") or cfg.model.heads)
        row = [] if model == OURS else row_options(figure, model, tasks)
        cfg = load_config(config, parse_cfg_options([*row, *options]))
        for seed in seeds:
            work_dir = root / f"figure_{figure}" / f"model_{model}" / f"seed_{seed}"
            folders.append(work_dir)
            changes = ["--work-dir", str(work_dir), "--cfg-options", f"randomness.seed={seed}"]
            changes += [*row, *options]
            trained = is_finished(work_dir, cfg)
            if not trained:
                command = [sys.executable, str(ROOT / "tools/train.py"), config, "--resume"]
                todo.append([*command, *changes])
            if not trained or not read_run(work_dir).tested:
                command = [sys.executable, str(ROOT / "tools/test.py"), config, str(work_dir)]
                todo.append([*command, *changes])
    command = [sys.executable, str(ROOT / "tools/analysis/results.py"), *map(str, folders)]
    todo.append([*command, "--no-panels", "--out", str(root / f"figure_{figure}" / "table")])
    return todo


def main() -> None:
    """Run the commands of a figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figure", type=int, choices=FIGURES, help="number of the figure")
    parser.add_argument(
        "--models", nargs="+", help="models of the figure, e.g. 4 ours; all by default"
    )
    add_series_arguments(parser, work_dir="work_dirs/study")
    args = parser.parse_args()
    known = models_of(args.figure)
    by_name = {str(model): model for model in known}
    if unknown := set(args.models or ()) - set(by_name):
        parser.error(f"figure {args.figure} has no model {unknown.pop()}, only {known}")
    models = [by_name[name] for name in args.models or by_name]
    todo = steps(
        args.figure,
        models=models,
        seeds=args.seeds,
        root=Path(args.work_dir),
        options=args.cfg_options,
        parsed=parse_cfg_options(args.cfg_options),
    )
    run_steps(todo, dry_run=args.dry_run)


if __name__ == "__main__":
    main()
