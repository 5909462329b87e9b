"""Search for task weights at equal budget, with seeds.

    mtlplugins search-weights CONFIG --weights depth=1,10 normals=0.5,2 --seeds 0 1 2

Trains every combination of the weights, and the config's own, with every seed; or by --halving the
best ones longer and longer. Tasks without --weights keep the config's weight. Candidates are
ranked by Δm against the config's own weights, on the validation data. Given again after a stop,
the search continues: finished runs are not repeated, others resume. Writes search.json, search.md
and front.png into the folder of the runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from mtlplugins.analysis.results.baselines import owner
from mtlplugins.analysis.results.cards import learned_tasks
from mtlplugins.analysis.results.summary import directions_of
from mtlplugins.analysis.results.table import Cell, Table
from mtlplugins.analysis.run_commands import add_series_arguments, run_steps
from mtlplugins.common.arguments import parse_cfg_options
from mtlplugins.config import load_config

from .candidates import grid, parse_values, rungs
from .front import draw_front
from .search import Rung, Search


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "--weights", nargs="+", required=True, metavar="TASK=W,W,…", help="weights to try"
    )
    parser.add_argument(
        "--halving",
        type=int,
        metavar="N",
        help="train one N-th of the epochs, keep one N-th of the candidates, and so on",
    )
    parser.add_argument(
        "--metrics", nargs="+", default=[], help="metrics that count; all of the tasks by default"
    )
    add_series_arguments(parser, work_dir="work_dirs/search_weights")
    args = parser.parse_args()
    if args.halving is not None and args.halving < 2:
        parser.error(f"--halving {args.halving}: give 2 or more")
    return args


def plan(args: argparse.Namespace, cfg: Config) -> Search:
    """Make the search that a command line asks for.

    Raises:
        ValueError: The config counts iterations, or :func:`parse_values` refuses the weights.
    """
    epochs = cfg.train_cfg.get("max_epochs")
    if not epochs:
        raise ValueError(
            f"{args.config}: search-weights counts epochs, so train_cfg needs max_epochs"
        )
    own = cfg.model.get("task_weights") or {}
    reference = {task: float(own.get(task, 1)) for task in learned_tasks(cfg)}
    candidates = grid(parse_values(args.weights, list(reference)), reference)
    return Search(
        config=args.config,
        cfg_options=args.cfg_options,
        candidates=candidates,
        seeds=args.seeds,
        epochs=epochs,
        factor=args.halving,
        metrics=args.metrics,
        work_dir=Path(args.work_dir),
    )


def main() -> None:
    """Train what is not trained yet, and write the ranking and the front."""
    args = parse_args()
    cfg = load_config(args.config, parse_cfg_options(args.cfg_options))
    search = plan(args, cfg)
    steps = rungs(len(search.candidates), search.epochs, search.factor)
    total = sum(n * e for n, e in steps) * len(search.seeds)
    print(
        f"{len(search.candidates)} candidates, {len(search.seeds)} seeds; "
        + ", then ".join(f"{n} of them for {e} epochs" for n, e in steps)
        + f": {total} epochs, and the config's own weights in every round"
    )
    if args.dry_run:
        run_steps(search.commands(search.candidates, steps[0][1]), dry_run=True)
        return
    up = directions_of(cfg, args.config)
    found = search.run(lambda commands: run_steps(commands, dry_run=False), up)
    text = write(search, found, up)
    print(f"\n{text}\nwritten to {search.work_dir}: search.json, search.md, front.png")


def write(search: Search, found: Sequence[Rung], up: dict[str, bool]) -> str:
    """Write the files of a search, and return the tables as Markdown."""
    folder = search.work_dir
    text = "\n".join(_table(search, rung).markdown() for rung in reversed(found))
    (folder / "search.md").write_text(text, encoding="utf-8")
    plain = [
        dict(
            epochs=rung.epochs,
            candidates=[
                dict(
                    weights=s.weights,
                    gain=s.gain._asdict(),
                    gains=s.gains,
                    scores={name: spread._asdict() for name, spread in s.scores.items()},
                )
                for s in rung.scored
            ],
        )
        for rung in found
    ]
    (folder / "search.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")
    # one metric for each task, the first, where none is asked for
    last = found[-1].scored
    by_task = {owner(name): name for name in reversed(last[0].scores)}
    metrics = list(search.metrics or reversed(by_task.values()))
    if len(metrics) > 1:
        draw_front(last, metrics, up, folder / "front.png")
    return text


def _table(search: Search, rung: Rung) -> Table:
    tasks, reference = list(search.candidates[0]), search.candidates[0]
    gains, scores = rung.scored[0].gains, rung.scored[0].scores
    rows = []
    for s in rung.scored:
        name = "-".join(f"{weight:g}" for weight in s.weights.values())
        mark = " (the config's)" if s.weights == reference else ""
        spread = "" if s.gain.std is None else f" ± {s.gain.std:.2f}"
        row = [Cell(name + mark), Cell(f"{s.gain.mean:+.2f}{spread}", s is rung.scored[0])]
        row += [Cell(f"{s.gains[task]:+.2f}") for task in gains]
        row += [Cell(_score(s.scores[n].mean, s.scores[n].std)) for n in scores]
        rows.append(row)
    caption = (
        f"Weights in the order {'-'.join(tasks)}; {len(search.seeds)} seeds, mean ± sample "
        "standard deviation. Δm: the mean over tasks of the relative gains of their metrics over "
        "the config's own weights, in percent, on the validation data."
    )
    return Table(f"{rung.epochs} epochs", caption, ["weights", "Δm %", *gains, *scores], rows)


def _score(mean: float, deviation: float | None) -> str:
    return f"{mean:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")
