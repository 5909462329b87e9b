"""Count a model's parameters, and its FLOPs per task for one image."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from prettytable import PrettyTable

from mtlplugins.analysis import model_stats
from mtlplugins.apis import load_config
from mtlplugins.common.arguments import add_cfg_options


def main() -> None:
    """Print the counts for a config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"))
    add_cfg_options(parser)
    args = parser.parse_args()
    stats = model_stats(load_config(args.config, args.cfg_options), args.size)
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


if __name__ == "__main__":
    main()
