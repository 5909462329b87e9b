"""Page on which a trained model is tried: ``mtlplugins serve``."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from mtlplugins.apis.images import find_images
from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.config import load_config


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description="Serve a page on which people try a trained model, and an HTTP API."
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("checkpoint2", nargs="?", help="another one, to be shown beside it")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to bind to; 0.0.0.0 lets other machines in (default: 127.0.0.1)",
    )
    parser.add_argument("--port", type=int, help="port; the first free one from 7860 by default")
    parser.add_argument("--examples", nargs="+", help="example images: files, folders or patterns")
    parser.add_argument("--device", help="cpu, cuda, cuda:1; by default the GPU if there is one")
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> None:
    """Run ``mtlplugins serve`` until it is interrupted."""
    args = parse_args()
    try:  # after the command line: the import takes seconds
        from .served import ServedModel
        from .server import serving
    except ImportError as error:
        raise ImportError(
            f"serving needs {error.name}: pip install 'mtlplugins[web]'", name=error.name
        ) from error
    examples: list[Path] = find_images(args.examples) if args.examples else []
    cfg = load_config(args.config, args.cfg_options)
    checkpoints = [c for c in (args.checkpoint, args.checkpoint2) if c]
    models = [ServedModel(cfg, checkpoint, args.device) for checkpoint in checkpoints]
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # ends the context, which removes its files
        signal.signal(number, lambda *_: stop.set())
    with serving(models, host=args.host, port=args.port, examples=examples) as url:
        print(f"{url} (Ctrl-C ends it)", flush=True)
        stop.wait()
