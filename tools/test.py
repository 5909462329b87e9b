"""Evaluate a checkpoint: `mtlplugins test` as a script."""

from __future__ import annotations

import sys

from mtlplugins.apis.test import main

if __name__ == "__main__":
    sys.exit(main())
