"""The parts of ``tools/analysis/benchmark.py``."""
