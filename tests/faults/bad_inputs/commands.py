"""Bad arguments of the tools."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests._data import make_image

from .changes import all_of, content, cut, folder_at, link, pixels
from .entry import BadInput

_WORK = "work/epoch_1.pth"
_PREDICT = f"predict.py {{}} --config rooms.py --checkpoint {_WORK} --out out"
_RESULTS = "analysis/results.py {} --no-panels"
_EMBEDDINGS = f"analysis/task_embeddings.py rooms.py {_WORK} --mixtures {{}}"
_EXPORT = f"export.py rooms.py {_WORK} --out {{}}"
_LOG = "vis_data/scalars.json"


def _log(edit: Callable[[str], str]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = next((folder / "work").glob(f"*/{_LOG}"))
        path.write_text(edit(path.read_text()))

    return change


def _without_log(folder: Path) -> None:
    """Remove what a run logged."""
    shutil.rmtree(next((folder / "work").glob(f"*/{_LOG}")).parents[1])


COMMANDS = (
    BadInput("no image", _PREDICT.format("gone.jpg"), ("no image gone.jpg",)),
    BadInput(
        "a folder without images",
        _PREDICT.format("empty"),
        ("no image in empty",),
        folder_at("empty"),
    ),
    BadInput(
        "an image that is text",
        _PREDICT.format("text.jpg"),
        ("text.jpg cannot be read", "identify"),
        content("text.jpg", "hello"),
    ),
    BadInput(
        "an image of no bytes",
        _PREDICT.format("empty.png"),
        ("empty.png cannot be read (it is empty)", "replace or leave out"),
        content("empty.png", b""),
    ),
    BadInput(
        "an image cut short",
        _PREDICT.format("photo.png"),
        ("photo.png cannot be read", "truncated", "replace or leave out"),
        cut("photo.png"),
    ),
    BadInput(
        "an image of 16 bits",
        _PREDICT.format("deep.png"),
        ("deep.png cannot be read", "not of 8 bits per channel; convert it"),
        pixels("deep.png", np.zeros((20, 30), np.uint16)),
    ),
    BadInput(
        "an image of absurd size",
        _PREDICT.format("huge.ppm"),
        ("huge.ppm cannot be read", "2500000000 pixels"),
        content("huge.ppm", b"P6 50000 50000 255\n"),
    ),
    BadInput(
        "an image that would be drawn over",
        f"predict.py photo.png --config rooms.py --checkpoint {_WORK} --out .",
        ("--out: photo.png would be written over photo.png", "choose another --out"),
    ),
    BadInput(
        "images that would be drawn over, by a link to their folder",
        f"predict.py data/photos photo.png --config rooms.py --checkpoint {_WORK} --out here",
        ("here/photo.png would be written over photo.png", "choose another --out"),
        link("here", "."),
    ),
    BadInput(
        "a folder with files that are no images",
        _PREDICT.format("in"),
        (
            "1 of 3 images were predicted; replace or leave out",
            "in/b.png cannot be read (cannot identify",
            "in/c.jpg cannot be read (it is empty)",
        ),
        all_of(
            pixels("in/a.png", make_image(1)),
            content("in/b.png", "x"),
            content("in/c.jpg", ""),
            content("in/d.pdf", "x"),
            content("in/._a.png", "x"),
        ),
    ),
    BadInput(
        "images that are papers",
        _PREDICT.format("in"),
        ("no image in in",),
        content("in/d.pdf", "x"),
    ),
    BadInput(
        "images of one name",
        _PREDICT.format("photo.png again/photo.png"),
        ("photo.png, again/photo.png would replace each other", "give each its own --out"),
        pixels("again/photo.png", make_image(1)),
    ),
    BadInput(
        "a task that the model has not",
        _PREDICT.format("photo.png") + " --tasks dept",
        ("unknown task 'dept'", "tasks of this model: semantic, depth, scene"),
    ),
    BadInput(
        "a device that nobody has",
        _PREDICT.format("photo.png") + " --device gpu",
        ("device string: gpu", "cpu, cuda"),
    ),
    BadInput("no config", "train.py gone.py", ("no config file gone.py",)),
    BadInput("a folder as a config", "train.py data", ("no config file data",)),
    BadInput(
        "a config without a model",
        f"predict.py photo.png --config data.py --checkpoint {_WORK} --out out",
        ("the config has no `model`", "give one that a model was trained by"),
        content("data.py", "test_pipeline = []\n"),
    ),
    BadInput(
        "a file in the place of the work dir",
        "train.py rooms.py --work-dir photo.png",
        ("File exists", "photo.png"),
    ),
    BadInput(
        "a work dir with a run in it",
        "train.py rooms.py --work-dir work",
        ("holds checkpoints of a run", "--resume continues it", "another --work-dir"),
    ),
    BadInput("nothing to train", "train.py", ("the following arguments are required: config",)),
    BadInput(
        "an option without a value",
        "train.py rooms.py --cfg-options model.tasks",
        ("argument --cfg-options: 'model.tasks' is not KEY=VALUE", "train_cfg.max_epochs=2"),
    ),
    BadInput(
        "an option with an open bracket",
        "train.py rooms.py --cfg-options model.tasks=[semantic,(depth]",
        ("argument --cfg-options: 'model.tasks=[semantic,(depth]' is not KEY=VALUE",),
    ),
    BadInput(
        "a test of a task without a metric",
        f"test.py rooms.py {_WORK} --tasks dept",
        ("--tasks dept: no metric for these", "semantic, depth, scene"),
    ),
    BadInput(
        "a panel every 0 images",
        f"test.py rooms.py {_WORK} --show-dir panels --interval 0",
        ("interval must be >= 1, got 0",),
    ),
    BadInput(
        "a graph of no task",
        _EXPORT.format("a.onnx") + " --task dept",
        ("cannot fold for task 'dept'", "tasks of this model: semantic, depth, scene"),
    ),
    BadInput(
        "a graph of sliding windows",
        _EXPORT.format("a.onnx") + " --cfg-options model.test_cfg.mode=slide "
        "model.test_cfg.crop_size=(32,32) model.test_cfg.stride=(32,32)",
        ("test_cfg.mode='slide'", "set model.test_cfg.mode=whole"),
    ),
    BadInput(
        "a graph for no image",
        _EXPORT.format("a.onnx") + " --size 0 0",
        ("size 0 x 0", "give a height and a width above 0"),
    ),
    BadInput(
        "a graph in a folder", _EXPORT.format("data"), ("data is a folder", "data/model.onnx")
    ),
    BadInput(
        "a graph in the place of the checkpoint",
        _EXPORT.format(_WORK),
        (f"{_WORK} would be written over {_WORK}", "choose another --out"),
    ),
    BadInput(
        "a graph in the place of a pipe",
        _EXPORT.format("pipe"),
        ("pipe is no ordinary file, and is not replaced", "name another one"),
        lambda folder: os.mkfifo(folder / "pipe"),
    ),
    BadInput(
        "operations of no image",
        "analysis/model_stats.py rooms.py --size 0 0",
        ("size 0 x 0", "give a height and a width above 0"),
    ),
    BadInput(
        "operations at a size that nobody says",
        "analysis/model_stats.py rooms.py --cfg-options test_pipeline=None",
        ("sets no size", "--size HEIGHT WIDTH"),
    ),
    BadInput(
        "times of predictions without modules to compare",
        "analysis/model_stats.py rooms.py --rounds 3",
        ("--rounds needs --modules",),
    ),
    BadInput(
        "a mixture of too few tasks",
        _EMBEDDINGS.format("5-1"),
        ("--mixtures 5-1: give one weight per task", "semantic-depth-scene"),
    ),
    BadInput(
        "a mixture of no task",
        _EMBEDDINGS.format("0-0-0"),
        ("mixture: no task has a weight above 0",),
    ),
    BadInput(
        "a column of no score",
        _EMBEDDINGS.format("none") + " --metrics depth/d9",
        ("--metrics depth/d9: not scored", "depth/d1"),
    ),
    BadInput(
        "embeddings of a model that has none",
        f"analysis/task_embeddings.py rooms.py {_WORK} --cfg-options model.backbone.plan=None",
        ("this model has no task embeddings", "model.backbone.plan places a module"),
    ),
    BadInput(
        "a blind predictor of no data",
        "analysis/blind_baseline.py mine.py --cfg-options data_root=gone",
        ("gone: set data_root to the folder of the data set",),
    ),
    BadInput(
        "a check by fewer than no processes",
        "analysis/check_dataset.py mine.py --workers -1",
        ("--workers -1: give 0 or more",),
    ),
    BadInput(
        "a check of no data",
        "analysis/check_dataset.py mine.py --workers 0 --cfg-options data_root=gone",
        ("gone: set data_root to the folder of the data set", "2 errors"),
    ),
    BadInput("no run", _RESULTS.format("gone"), ("left out gone", "no folder gone")),
    BadInput("data as a run", _RESULTS.format("data"), ("data holds no config", "a work dir?")),
    BadInput(
        "a run with a broken log",
        _RESULTS.format("work"),
        (_LOG, "line 1: no JSON"),
        _log(lambda text: "{broken\n" + text),
    ),
    BadInput(
        "a run whose log is of something else",
        _RESULTS.format("work"),
        (_LOG, "line 1: not a JSON object"),
        _log(lambda text: "[1]\n" + text),
    ),
    BadInput(
        "a run whose log does not count",
        _RESULTS.format("work"),
        (_LOG, "has the step None"),
        _log(lambda text: '{"iter": 1}\n{"iter": 2}\n'),
    ),
    BadInput(
        "a run without its log",
        _RESULTS.format("work"),
        ("holds a checkpoint but no", "keep a LocalVisBackend"),
        _without_log,
    ),
    *(
        BadInput(
            f"{launcher} that has not started it",
            f"train.py rooms.py --launcher {launcher}",
            (f"launcher='{launcher}', but nothing has started this process", words),
        )
        for launcher, words in (
            ("pytorch", "start it by tools/dist_train.sh CONFIG NUMBER"),
            ("slurm", "SLURM_PROCID"),
            ("mpi", "OMPI_COMM_WORLD_RANK"),
        )
    ),
    BadInput(
        "a table of no run",
        _RESULTS.format("work") + " --table 9.9",
        ("--table 9.9: no run is in it",),
    ),
    BadInput(
        "a table that the thesis has not",
        "analysis/thesis_table.py 9.9",
        ("invalid choice: '9.9'", "4.15"),
    ),
    BadInput(
        "a figure that the study has not",
        "analysis/study_table.py 99",
        ("invalid choice: 99", "3, 4, 5"),
    ),
    BadInput(
        "a model that the figure has not",
        "analysis/study_table.py 7 --models best --dry-run",
        ("figure 7 has no model best", "'ours'"),
    ),
)
