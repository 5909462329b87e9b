"""Compare training runs: `mtlplugins results` as a script."""

from __future__ import annotations

import sys

from mtlplugins.analysis.results.command import main

if __name__ == "__main__":
    sys.exit(main())
