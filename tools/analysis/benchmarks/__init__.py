"""Parts of ``tools/analysis/benchmark.py``."""

import mtlplugins  # noqa: F401, applies the workarounds, in new processes too
