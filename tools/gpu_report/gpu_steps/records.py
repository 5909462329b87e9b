"""Results as JSON lines, appended as soon as they are known."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Records:
    """Append-only file of JSON lines; a line truncated by a kill damages no other.

    Args:
        path: The file; created if missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, **record: Any) -> None:
        """Append a record and sync it to the disk."""
        line = json.dumps(record, ensure_ascii=False) + "\n"
        with self.path.open("a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())


def read_records(out: Path) -> list[dict[str, Any]]:
    """Read all records of a folder, part by part, in the order of writing."""
    found = []
    for path in sorted(out.glob("part*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # truncated
                continue
            if isinstance(record, dict):
                found.append(record)
    return found


def finished_steps(out: Path) -> set[str]:
    """Return the names of the steps that earlier calls have finished."""
    return {record["step"] for record in read_records(out) if record.get("status") == "done"}
