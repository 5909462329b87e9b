"""Train a model from a config: `mtlplugins train` as a script."""

from __future__ import annotations

import sys

from mtlplugins.apis.train import main

if __name__ == "__main__":
    sys.exit(main())
