"""Parts of ``tools/analysis/benchmark.py``."""

import mtlplugins  # noqa: F401, mends mmseg, which the parts import; in new processes too
