"""Console command ``mtlplugins``, with a subcommand for each tool."""

from __future__ import annotations

import atexit
import gc
import sys
from importlib import import_module

#: Description of each subcommand, and the module whose ``main`` parses its command line.
COMMANDS = {
    "train": ("train a model from a config", "mtlplugins.apis.train"),
    "test": ("score a checkpoint on the test data", "mtlplugins.apis.test"),
    "predict": ("predict images with a checkpoint", "mtlplugins.apis.predict"),
    "figure": ("compare models on images, as a figure for a paper", "mtlplugins.apis.figure"),
    "export": ("write a trained model as an ONNX graph, or a page", "mtlplugins.apis.export"),
    "serve": ("serve a page on which people try a model", "mtlplugins.web.serve.command"),
    "inspect": (
        "propose a config for a folder of images and targets",
        "mtlplugins.analysis.folder_proposal.command",
    ),
    "check-data": (
        "check every file of a config's data",
        "mtlplugins.analysis.data_check.command",
    ),
    "to-shards": (
        "write a config's training data as tar files that are read in place",
        "mtlplugins.apis.to_shards",
    ),
    "results": ("compare training runs", "mtlplugins.analysis.results.command"),
    "affinity": (
        "report how the tasks of a model act on each other",
        "mtlplugins.analysis.affinity.command",
    ),
    "gradient-norms": (
        "propose task weights from gradients",
        "mtlplugins.analysis.gradient_norms",
    ),
    "search-weights": (
        "search for task weights by training",
        "mtlplugins.analysis.search_weights.command",
    ),
}


def usage() -> str:
    """List the subcommands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {what}" for name, (what, _) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: mtlplugins COMMAND ...",
            "",
            *lines,
            "",
            "mtlplugins COMMAND --help lists its arguments. A config is a file, or shipped with",
            "the package: mtlplugins::swin_cond_nyuv2.py",
        ]
    )


def main() -> None:
    """Run the subcommand named on the command line, with its exit status."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return
    if name not in COMMANDS:
        sys.exit(f"mtlplugins: no command {name!r}\n{usage()}")
    sys.argv = [f"mtlplugins {name}", *rest]  # the program's name in messages of argparse
    # or Python would search all that was imported for garbage as it ends, which takes seconds
    atexit.register(gc.freeze)
    sys.exit(import_module(COMMANDS[name][1]).main())
