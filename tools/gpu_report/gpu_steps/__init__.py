"""Steps of ``tools/gpu_report/run.py``."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# the benchmarks are scripts that import their neighbours
sys.path.insert(0, str(ROOT / "tools" / "analysis"))
