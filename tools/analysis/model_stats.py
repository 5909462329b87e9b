"""Count a model's parameters, and its FLOPs per task for one image.

With --modules, compare the conditional modules instead: each in all blocks of the frozen encoder.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from prettytable import PrettyTable

from mtlplugins.analysis import model_stats
from mtlplugins.analysis.budget import PLAIN, Budget, module_budgets
from mtlplugins.apis import load_config
from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.models.conditioning import MODULES


def main() -> None:
    """Print the counts for a config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"))
    parser.add_argument(
        "--modules",
        nargs="*",
        choices=[PLAIN, *MODULES],
        help="compare these conditional modules, by default all",
    )
    parser.add_argument(
        "--rounds", type=int, default=0, help="with --modules: predictions to time, on one thread"
    )
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.rounds and args.modules is None:
        parser.error("--rounds needs --modules")
    cfg = load_config(args.config, args.cfg_options)
    if args.modules is not None:
        modules = args.modules or [PLAIN, *MODULES]
        budgets = module_budgets(cfg, args.size, modules=modules, rounds=args.rounds)
        if args.json:
            print(json.dumps({name: _as_json(b) for name, b in budgets.items()}, indent=1))
        else:
            print(budget_table(budgets))
        return
    stats = model_stats(cfg, args.size)
    if args.json:
        print(json.dumps(stats, indent=1))
        return
    table = PrettyTable([Path(args.config).stem, ""], align="r")
    table.add_row(["parameters", f"{stats['params'] / 1e6:.2f} M"])
    table.add_row(["trainable", f"{stats['trainable'] / 1e6:.2f} M"])
    for task, flops in stats["flops_by_task"].items():
        table.add_row(
            [f"FLOPs of {task} at {' x '.join(map(str, stats['size']))}", f"{flops / 1e9:.2f} G"]
        )
    print(table)


def budget_table(budgets: dict[str, Budget | str]) -> str:
    """Write budgets as a Markdown table with a column for each module, and refusals below it."""
    columns = {name: _cells(found) for name, found in budgets.items() if isinstance(found, Budget)}
    names = dict.fromkeys(row for cells in columns.values() for row in cells)
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[row, *(cells[row] for cells in columns.values())] for row in names]
    refused = [f"{name}: {reason}" for name, reason in budgets.items() if isinstance(reason, str)]
    return "\n\n".join(["\n".join(f"| {' | '.join(line)} |" for line in lines), *refused])


def _cells(budget: Budget) -> dict[str, str]:
    """Write the numbers of a module, by the title of their row."""
    cells = {
        "parameters, M": f"{budget.params / 1e6:.2f}",
        "trained, M": f"{budget.trainable / 1e6:.2f}",
    }
    for task, count in budget.stored.items():
        cells[f"stored for {task} alone, M"] = f"{count / 1e6:.4f}"
    for tasks, flops in budget.flops.items():
        cells[f"GFLOPs, {' + '.join(tasks)}"] = f"{flops / 1e9:.2f}"
    for tasks, seconds in budget.seconds.items():
        cells[f"ms, {' + '.join(tasks)}"] = f"{1e3 * seconds:.0f}"
    return cells


def _as_json(budget: Budget | str) -> dict | str:
    if isinstance(budget, str):
        return budget
    return asdict(budget) | {
        key: {"+".join(tasks): value for tasks, value in getattr(budget, key).items()}
        for key in ("flops", "seconds")
    }


if __name__ == "__main__":
    main()
