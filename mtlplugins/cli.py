"""The console command ``mtlplugins``: one subcommand for each thing there is to do."""

from __future__ import annotations

import sys
from importlib import import_module

#: Of each subcommand what it does, and the module whose ``main`` reads its command line.
COMMANDS = {
    "train": ("train a model from a config", "mtlplugins.apis.train"),
    "test": ("score a checkpoint on the test data", "mtlplugins.apis.test"),
    "predict": ("predict images with a checkpoint", "mtlplugins.apis.predict"),
    "export": ("write a trained model as an ONNX graph", "mtlplugins.apis.export"),
    "check-data": (
        "look at every file of a config's data",
        "mtlplugins.analysis.data_check.command",
    ),
    "results": ("set training runs side by side", "mtlplugins.analysis.results.command"),
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
            "mtlplugins COMMAND --help says what a command takes; a config is a file, or one that",
            "the package brings: mtlplugins::swin_cond_nyuv2.py",
        ]
    )


def main() -> None:
    """Run the subcommand that the command line names; the exit status is the subcommand's."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return
    if name not in COMMANDS:
        sys.exit(f"mtlplugins: no command {name!r}\n{usage()}")
    sys.argv = [f"mtlplugins {name}", *rest]  # how argparse calls the program in its messages
    sys.exit(import_module(COMMANDS[name][1]).main())
