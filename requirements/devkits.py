"""Compare labels and scores with the official devkits that are packages.

    python requirements/devkits.py    # `make test-devkits`

cityscapesScripts and pycocotools are installed into a new environment in a temporary folder, which
sees the pinned one (--base, .venv by default). Cityscapes: the class scores of random predictions
in the official layout. COCO: the pixels of random run lengths, which must be equal, and those of
random polygons, which may differ at the outline alone, as pycocotools draws it by its own rule.
The exit status is 1 if anything is not as it should be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from compat import ROOT, Factor, make_environment

PACKAGES = ("cityscapesscripts==2.2.4", "pycocotools==2.0.10")

CITYSCAPES = """
import numpy as np
from pathlib import Path
from PIL import Image
import torch
import mtlplugins
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, METRICS
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official
from tests._data import make_image, write

init_default_scope("mmseg")
random = np.random.default_rng(0)
size, pairs = (96, 192), []
for number in range(5):
    name = f"lindau_{number:06d}_000019"
    write(Path(f"leftImg8bit/val/lindau/{name}_leftImg8bit.png"), make_image(number, size=size))
    blocks = random.integers(0, 34, (6, 12)).astype(np.uint8)
    truth = Path(f"gtFine/val/lindau/{name}_gtFine_labelIds.png")
    write(truth, blocks.repeat(16, 0).repeat(16, 1))
    write(Path(f"disparity/val/lindau/{name}_disparity.png"), np.full(size, 9999, np.uint16))
configs = Path(mtlplugins.__file__).parents[1] / "configs"
config = Config.fromfile(configs / "cityscapes" / "swin_cond_cityscapes.py")
data_config = config.val_dataloader.dataset
data_config.update(data_root=".", pipeline=[
    dict(type="LoadMultiTaskImage"), dict(type="LoadTargets"), dict(type="PackMultiTask")])
data = DATASETS.build(data_config)
metric = METRICS.build(dict(type="MultiTaskIoUMetric", task="semantic"))
metric.dataset_meta = data.metainfo
ids = np.array(list(config["values"]), np.uint8)
for index in range(len(data)):
    sample = data[index]["data_samples"]
    truth = sample.gt_semantic.data[0].numpy()
    guess = random.integers(0, 19, truth.shape)
    guess = np.where((random.random(truth.shape) < 0.7) & (truth < 19), truth, guess)
    sample.pred_semantic = PixelData(data=torch.from_numpy(guess)[None])
    metric.process({}, [sample.to_dict()])
    found = Path(f"results/{sample.name.rpartition('/')[2]}.png")
    write(found, ids[guess])
    name = found.stem.removesuffix("_leftImg8bit")
    pairs.append((str(found), f"gtFine/val/lindau/{name}_gtFine_labelIds.png"))
ours = metric.evaluate(len(data))
official.args.evalInstLevelScore = False
official.args.quiet, official.args.JSONOutput = True, False
scores = official.evaluateImgLists(*zip(*pairs), official.args)
theirs = 100 * scores["averageScoreClasses"]
print(f"Cityscapes: mIoU {ours['semantic/mIoU']:.4f} of ours, {theirs:.4f} of cityscapesScripts")
assert abs(ours["semantic/mIoU"] - theirs) < 0.006
"""

COCO = """
import json
import numpy as np
from pathlib import Path
from PIL import Image, ImageDraw
from pycocotools import mask as official
from pycocotools.coco import COCO
from scipy import ndimage
from mtlplugins.datasets.annotations import CocoLabelMap

random = np.random.default_rng(0)
height, width = 120, 160
images, annotations = [], []
for number in range(40):
    images.append(dict(id=number, file_name=f"{number}.jpg", height=height, width=width))
    if number % 2:
        mask = np.asfortranarray(ndimage.zoom(random.random((9, 12)), 13.4)[:height, :width] > 0.5)
        outline = official.encode(mask.astype(np.uint8))
        if number % 4 == 1:
            outline["counts"] = outline["counts"].decode()
        else:
            flat = mask.ravel("F").astype(np.int8)
            runs = np.diff(np.flatnonzero(np.diff(flat)) + 1, prepend=0, append=flat.size)
            outline["counts"] = ([0] if flat[0] else []) + [int(run) for run in runs]
    else:
        angles = np.sort(random.random(9)) * 2 * np.pi
        radii = random.uniform(15, 55, 9)
        x, y = 80 + radii * np.cos(angles), 60 + radii * np.sin(angles)
        outline = [np.stack([x, y], 1).round(2).ravel().tolist()]
    annotations.append(dict(id=number + 1, image_id=number, category_id=7, segmentation=outline,
                            area=1.0, iscrowd=int(number % 4 == 3), bbox=[0, 0, width, height]))
content = dict(images=images, annotations=annotations, categories=[dict(id=7, name="thing")])
Path("instances.json").write_text(json.dumps(content))
coco = COCO("instances.json")
target = CocoLabelMap(["background", "thing"], "instances.json")
found = target.find(Path(), [str(number) for number in range(40)])
differ = pixels = 0
for number in range(40):
    ours = target.load(found[str(number)]) == 1
    theirs = coco.annToMask(coco.loadAnns(number + 1)[0]) == 1
    if number % 2:
        assert (ours == theirs).all(), number
        continue
    outline = Image.new("1", (width, height))
    corners = annotations[number]["segmentation"][0]
    ImageDraw.Draw(outline).line(corners + corners[:4], 1, width=3, joint="curve")
    assert not ((ours != theirs) & ~np.array(outline)).any(), number
    differ, pixels = differ + int((ours != theirs).sum()), pixels + int(theirs.sum())
print(f"COCO: 20 run lengths equal; polygons differ from pycocotools in {differ} pixels, all at "
      f"the outlines, {differ / pixels:.2%} of the areas")
"""


def main(arguments: list[str]) -> int:
    """Run the comparisons; 1 if one of them fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, default=ROOT / ".venv", help="pinned environment")
    args = parser.parse_args(arguments)
    failed = False
    with tempfile.TemporaryDirectory(prefix="mtlplugins-devkits-") as folder:
        room = Path(folder)
        factor = Factor("devkits", install=PACKAGES)
        python = make_environment(factor, args.base.absolute(), room, None)
        for name, code in dict(cityscapes=CITYSCAPES, coco=COCO).items():
            (room / name).mkdir()
            failed |= compare(python, room / name, code)
    return int(failed)


def compare(python: Path, work: Path, code: str) -> bool:
    """Run a comparison in a folder of its own; return whether it failed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([python, "-c", code], cwd=work, env=environment, text=True, stdout=-1)
    print(done.stdout.strip().rpartition("\n")[2] if not done.returncode else done.stdout)
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
