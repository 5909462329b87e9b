"""Predict all tasks of images: `mtlplugins predict` as a script."""

from __future__ import annotations

import sys

from mtlplugins.apis.predict import main

if __name__ == "__main__":
    sys.exit(main())
