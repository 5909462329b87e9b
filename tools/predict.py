"""Predict all tasks of pictures: a panel each, and the predictions as files."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from mmengine.config import DictAction
from mmengine.utils import track_iter_progress
from PIL import Image

from mtlplugins.apis import MultiTaskInferencer, load_config
from mtlplugins.datasets.reading.files import FORMATS, BrokenFile
from mtlplugins.io.overwrite import refuse_inputs


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="+", help="image files or folders of images")
    parser.add_argument("--config", required=True, help="config file")
    parser.add_argument("--checkpoint", required=True, help="checkpoint file")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--tasks", help="tasks to predict, e.g. semantic,depth; all if not given")
    parser.add_argument("--device", help="cpu, cuda, cuda:1; the GPU where there is one")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="change values of the config",
    )
    return parser.parse_args()


def find_images(names: list[str]) -> list[Path]:
    """List the files, and the images in the folders, by the suffixes of formats that are read.

    Raises:
        FileNotFoundError: One is missing, or a folder has no image.
        ValueError: Several have one name, so that their predictions would replace each other.
    """
    found: list[Path] = []
    suffixes = {end for end, name in Image.registered_extensions().items() if name in FORMATS}
    for path in map(Path, names):
        if path.is_dir():
            # hidden ones are no pictures: macOS puts a ._a.jpg beside each a.jpg
            files = (p for p in path.iterdir() if not p.is_dir() and p.name[0] != ".")
            inside = sorted(p for p in files if p.suffix.lower() in suffixes)
            if not inside:
                raise FileNotFoundError(f"no image in {path}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"no image {path}")
    name, count = Counter(path.stem for path in found).most_common(1)[0]
    if count > 1:
        same = ", ".join(str(path) for path in found if path.stem == name)
        raise ValueError(f"predictions of {same} would replace each other: give each its own --out")
    return found


def main() -> str | None:
    """Predict one picture after the other.

    Returns:
        Which pictures could not be read, if any.
    """
    args = parse_args()
    images = find_images(args.images)
    inferencer = MultiTaskInferencer(
        load_config(args.config, args.cfg_options),
        args.checkpoint,
        tasks=args.tasks.split(",") if args.tasks else None,
        device=args.device,
    )
    out = Path(args.out)
    panels = {path: out / f"{path.stem}.png" for path in images}
    outputs = [file for path in images for file in inferencer.files(out, path.stem)]
    refuse_inputs([*panels.values(), *outputs], [*images, args.config, args.checkpoint])
    out.mkdir(parents=True, exist_ok=True)
    broken = []
    for path in track_iter_progress(images):
        try:
            sample = inferencer(path)
        except BrokenFile as error:  # its own advice is about the split file of a data set
            reason = error.__cause__ or error
            broken.append(f"  {path} cannot be read ({str(reason) or type(reason).__name__})")
            continue
        Image.fromarray(inferencer.panel(path, sample)).save(panels[path], "PNG")
        inferencer.save(sample, out, path.stem)
    if not broken:
        return None
    done = len(images) - len(broken)
    lines = "\n".join(broken)
    return f"\n{done} of {len(images)} pictures were predicted; replace or leave out:\n{lines}"


if __name__ == "__main__":
    sys.exit(main())
