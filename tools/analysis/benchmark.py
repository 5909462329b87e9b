"""Benchmark encoders, tasks, data loading and metrics against mmseg and timm; prints tables.

Parts: encoders (ours without a plan, mmseg's, timm's), resnets (ours and mmseg's), tasks (rows
against one pass per task), price (cost of conditioning), plan (savings of a shared part), folded,
memory (activation checkpointing, gradient accumulation), steps (all tasks together, one after the
other), methods (fixed weights, UPGrad, TorchJD's UPGrad), training (a whole training of two tasks
against one for each with mmseg's encoder), input, metrics, start, listing (a start with a cached
listing of 4.5 million images). All parts by default.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from benchmarks import (
    checkpointing,
    encoders,
    input_pipeline,
    listing,
    methods,
    metrics,
    resnets,
    start,
    steps,
    tasks,
    whole_training,
)
from benchmarks.counted import counted_megabytes
from benchmarks.machine import Machine, product_rate
from benchmarks.memory import peak_megabytes
from benchmarks.tables import Table
from benchmarks.training_steps import Load

from mtlplugins.common.memory import keep_freed_memory


def main() -> None:
    """Measure the parts named on the command line."""
    args = parse_args()
    keep_freed_memory()
    dtype = getattr(torch, args.dtype)
    machine = Machine(args.device, dtype, args.rounds)
    machine = replace(machine, rate=product_rate(args.device, dtype))
    found = []
    print(f"{machine.describe()}; a product of matrices reaches {machine.rate / 1e9:.0f} GFLOP/s\n")
    for name in args.parts:
        for table in parts(args)[name](machine):
            print(table.markdown(), flush=True)
            found.append(dict(part=name, **table.json()))
    if args.json:
        result = dict(machine=machine.describe(), product_rate=machine.rate, tables=found)
        Path(args.json).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def parts(args: argparse.Namespace) -> dict[str, Callable[[Machine], list[Table]]]:
    """Return the measuring function of each part, by name."""
    peak = counted_megabytes if args.counted else peak_megabytes

    def load(machine: Machine) -> Load:
        return Load.usual(machine, args.sizes[-1], args.tasks, full=args.full)

    return {
        "encoders": lambda machine: encoders.measure(
            machine, sizes=tuple(args.sizes), compiled=args.compile
        ),
        "resnets": resnets.measure,
        "tasks": tasks.measure_tasks,
        "price": tasks.measure_price,
        "plan": tasks.measure_plan,
        "folded": tasks.measure_folded,
        "memory": lambda machine: checkpointing.measure(machine, side=512 if args.full else 0),
        "steps": lambda machine: steps.measure(machine, load(machine), peak=peak),
        "methods": lambda machine: methods.measure(machine, load(machine), peak=peak),
        "training": lambda machine: whole_training.measure(machine, data=args.data),
        "input": lambda machine: input_pipeline.measure(data=args.data),
        "metrics": lambda machine: [
            *metrics.measure(),
            *metrics.measure(numbers=(100,), size=(480, 640)),
        ],
        "start": lambda machine: start.measure(),
        "listing": lambda machine: listing.measure(),
    }


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="see above")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument(
        "--rounds",
        type=int,
        default=10,
        help="number of measurements per case; 0 for the memory of steps and methods alone",
    )
    parser.add_argument("--tasks", type=int, default=4, help="tasks of steps and methods, 4")
    parser.add_argument("--sizes", nargs="+", choices=["T", "S", "B"], default=["S"])
    parser.add_argument("--compile", action="store_true", help="also measure our encoder compiled")
    parser.add_argument(
        "--full",
        action="store_true",
        help="memory, steps and methods at 512² on a CPU too, instead of 224²",
    )
    parser.add_argument(
        "--counted",
        action="store_true",
        help="with --rounds 0: count the bytes of tensors that are alive, computing nothing",
    )
    parser.add_argument("--data", help="root of NYUv2, for its input pipeline and training")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this file too")
    args = parser.parse_args()
    known = list(parts(args))
    unknown = [part for part in args.parts if part not in known]
    if unknown:
        sys.exit(f"no part {', '.join(unknown)}; there are {', '.join(known)}")
    args.parts = args.parts or known
    if args.rounds < (0 if {*args.parts} <= {"steps", "methods"} else 1):
        sys.exit(f"--rounds {args.rounds}: give 1 or more; steps and methods also take 0")
    if args.counted and (args.rounds or args.device != "cpu"):
        sys.exit("--counted measures no times and no GPU: give --rounds 0 and --device cpu")
    if args.tasks < 1:
        sys.exit(f"--tasks {args.tasks}: give 1 or more")
    if args.device == "cuda" and not torch.cuda.is_available():
        sys.exit("--device cuda: PyTorch finds no GPU here")
    return args


if __name__ == "__main__":
    main()
