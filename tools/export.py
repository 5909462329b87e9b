"""Write a trained model as an ONNX graph: `mtlplugins export` as a script."""

from __future__ import annotations

import sys

from mtlplugins.apis.export import main

if __name__ == "__main__":
    sys.exit(main())
