"""Reproduce a table of the thesis: train its networks one after the other, then print the table.

    python tools/analysis/thesis_table.py 4.8 --seeds 0 1 2 --cfg-options data_root=DIR

Finished runs are skipped and interrupted ones resumed, so the command can be repeated at any
time; tables share their runs. Table 4.2 needs no training, table 4.15 one run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.analysis import model_stats
from mtlplugins.analysis.experiments import experiment_of
from mtlplugins.analysis.run_commands import add_series_arguments, is_finished, run_steps
from mtlplugins.apis import load_config
from mtlplugins.common.arguments import parse_cfg_options
from mtlplugins.common.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[2]
SIZES = "4.2"
MIXTURES = "4.15"
# The thesis mixes the embeddings of a network that scores 0.777 and 49.2, which is not quite this.
HEADLINE = "swin_cond_nyuv2"
#: Configs of the networks by table, in the order of the thesis.
TABLES = {
    SIZES: (
        "nyuv2/swin_only_segmentation_nyuv2",
        "nyuv2/swin_baseline_nyuv2",
        "nyuv2/swin_frozen_nyuv2",
        "nyuv2/swin_cond_adapter_norm_nyuv2",
        "nyuv2/swin_cond_norm_scratch_nyuv2",
        HEADLINE,
        "nyuv2/swin_cond_0_0_6_2_nyuv2",
    ),
    "4.4": (
        "nyuv2/swin_only_depth_nyuv2",
        "nyuv2/swin_only_segmentation_nyuv2",
        "nyuv2/swin_baseline_nyuv2",
    ),
    "4.6": (
        "nyuv2/swin_baseline_nyuv2",
        "nyuv2/swin_frozen_nyuv2",
        "nyuv2/swin_cond_norm_scratch_nyuv2",
        "nyuv2/swin_frozen_ade20k_nyuv2",
    ),
    "4.8": (
        "nyuv2/swin_cond_norm_scratch_1_1_nyuv2",
        "nyuv2/swin_cond_norm_scratch_nyuv2",
        "nyuv2/swin_cond_norm_scratch_1_10_nyuv2",
        "nyuv2/swin_cond_norm_scratch_1_20_nyuv2",
        "nyuv2/swin_cond_norm_scratch_1_40_nyuv2",
    ),
    "4.10": (
        "nyuv2/swin_cond_norm_scratch_nyuv2",
        "nyuv2/swin_cond_norm_nyuv2",
        HEADLINE,
    ),
    "4.12": (HEADLINE, "nyuv2/swin_cond_0_0_18_0_nyuv2"),
    "4.14": (HEADLINE, "nyuv2/swin_cond_different_batch_nyuv2"),
    MIXTURES: (HEADLINE,),
}
#: Tables with experiment cards, which are printed with the table of their results.
CARDS = {"4.3": "4.4", "4.5": "4.6", "4.7": "4.8", "4.9": "4.10", "4.11": "4.12", "4.13": "4.14"}


def config_path(name: str) -> str:
    """Return the path of a config of :data:`TABLES`."""
    return str(ROOT / "configs" / f"{name}.py")


def sizes_table(options: dict[str, Any] | None = None) -> str:
    """Make table 4.2: parameters and FLOPs of our networks, beside those of the thesis."""
    rows = []
    for name in TABLES[SIZES]:
        cfg = load_config(config_path(name), options)
        stats, thesis = model_stats(cfg), experiment_of(cfg)["sizes"]
        rows.append(
            [
                thesis["row"],
                f"{stats['trainable'] / 1e6:.1f} M",
                f"{thesis['trainable'] / 1e6:.1f} M",
                f"{stats['flops_per_task'] / 1e9:.1f} G",
                f"{thesis['flops_per_task'] / 1e9:.1f} G",
            ]
        )
    return markdown_table(
        ["network", "trainable", "thesis", "FLOPs per task", "thesis"], rows, right=True
    )


def steps(
    table: str, *, seeds: Sequence[int], root: Path, options: Sequence[str], parsed: dict[str, Any]
) -> list[list[str]]:
    """List the commands still to be run for a table, in order.

    Args:
        table: A key of :data:`TABLES` that needs training.
        seeds: Seeds; each network is run once per seed.
        root: Folder of the runs, ``CONFIG/seed_N`` each.
        options: ``--cfg-options`` as typed.
        parsed: The same options parsed, by dotted key.

    Raises:
        ValueError: ``root`` holds a run of another length.
    """
    analysis = ROOT / "tools/analysis"
    todo, runs = [], {}
    for name in TABLES[table]:
        config = config_path(name)
        cfg = load_config(config, parsed)
        epochs = cfg.train_cfg.max_epochs
        for seed in seeds:
            work_dir = root / Path(name).name / f"seed_{seed}"
            runs[work_dir] = config, epochs
            if not is_finished(work_dir, cfg):
                command = [sys.executable, str(ROOT / "tools/train.py"), config, "--resume"]
                command += ["--work-dir", str(work_dir)]
                command += ["--cfg-options", f"randomness.seed={seed}", *options]
                todo.append(command)
    if table == MIXTURES:
        for work_dir, (config, epochs) in runs.items():
            command = [sys.executable, str(analysis / "task_embeddings.py"), config]
            command += [str(work_dir / f"epoch_{epochs}.pth")]
            todo.append(command + (["--cfg-options", *options] if options else []))
    else:
        command = [sys.executable, str(analysis / "results.py"), *map(str, runs)]
        todo.append([*command, "--table", table, "--out", str(root / f"table_{table}")])
    return todo


def main() -> None:
    """Run the commands of a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=[*CARDS, *TABLES], help="number of the table")
    add_series_arguments(parser, work_dir="work_dirs/thesis")
    args = parser.parse_args()
    parsed = parse_cfg_options(args.cfg_options)
    table = CARDS.get(args.table, args.table)
    if table == SIZES:
        print(sizes_table(parsed))
        return
    todo = steps(
        table, seeds=args.seeds, root=Path(args.work_dir), options=args.cfg_options, parsed=parsed
    )
    run_steps(todo, dry_run=args.dry_run)


if __name__ == "__main__":
    main()
