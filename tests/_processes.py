"""Start a script in several processes that find each other, without a launcher."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path


def start_ranks(script: str, world: int, folder: Path) -> list[subprocess.Popen]:
    """Start ``script FOLDER`` in each of ``world`` processes, which have their ``RANK``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(world),
    }
    return [
        subprocess.Popen(
            [sys.executable, script, str(folder)],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(world)
    ]
