"""Run the steps of the GPU report one after the other, each within its time limit.

Called by ``run.sh``, which sets up the environment. Steps share a worker process; if one fails or
takes too long, its worker is ended and the next step starts a new one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from gpu_steps.records import Records, finished_steps
from gpu_steps.steps import Setting, Step, steps_for
from gpu_steps.worker import Worker

#: Time limit of each part, in minutes.
MINUTES = {1: 5.0, 2: 7.0}
#: Seconds that must be left to begin a step.
LEAST = 5.0


def run_part(steps: Sequence[Step], setting: Setting, out: Path, *, seconds: float) -> None:
    """Run steps in order until all are done or the time limit is reached.

    Args:
        steps: The steps of a part, the most important first.
        setting: Device, data, scratch folder.
        out: Folder of the records and the log.
        seconds: Time limit for all steps.
    """
    out.mkdir(parents=True, exist_ok=True)
    done = finished_steps(out)
    deadline = time.monotonic() + seconds
    worker: Worker | None = None
    for step in steps:
        if step.name in done:
            continue
        records = Records(out / f"part{step.part}.jsonl")
        began = time.monotonic()
        allowed = min(step.seconds_for(setting), deadline - began)
        if allowed < LEAST:
            records.add(step=step.name, status="no time left", seconds=0.0)
            continue
        if worker is None:
            worker = Worker(out / f"part{step.part}.log")
        status = worker.run(step, setting, records.path, seconds=allowed)
        records.add(step=step.name, status=status, seconds=round(time.monotonic() - began, 1))
        print(f"{step.name}: {status}, {time.monotonic() - began:.0f} s", flush=True)
        if status != "done":
            worker.kill()
            worker = None
    if worker is not None:
        worker.kill()


def main() -> None:
    """Parse the command line and run one part or both."""
    args = parse_args()
    parts = [args.part] if args.part else list(MINUTES)
    with TemporaryDirectory(prefix="gpu_report_") as scratch:
        setting = Setting(
            device=args.device, rehearse=args.rehearse, carried=args.carried, scratch=Path(scratch)
        )
        for part in parts:
            steps = steps_for(part, setting)
            run_part(steps, setting, args.out, seconds=60 * (args.minutes or MINUTES[part]))


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the results")
    parser.add_argument("--part", type=int, choices=list(MINUTES), help="1: speed, 2: trainings")
    parser.add_argument("--minutes", type=float, help="time for a part; 5 for 1 and 7 for 2")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument(
        "--rehearse", action="store_true", help="go through all steps on a CPU at tiny sizes"
    )
    parser.add_argument("--carried", type=Path, required=True, help="folder that pack.py filled")
    args = parser.parse_args()
    if args.minutes is not None and args.minutes <= 0:
        parser.error(f"--minutes {args.minutes}: give more than 0")
    if args.rehearse:
        args.device = "cpu"
    return args


if __name__ == "__main__":
    main()
