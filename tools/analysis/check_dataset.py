"""Check every file of a config's data: `mtlplugins check-data` as a script."""

from __future__ import annotations

import sys

from mtlplugins.analysis.data_check.command import main

if __name__ == "__main__":
    sys.exit(main())
