"""Text of a proposed config, and of its split files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from pprint import pformat
from typing import Any

from .propose import Part, Proposal

_SIDE, _STEP = 128, 32  # of the model's input
_BATCH = 8
_EPOCHS = 20


def config_text(proposal: Proposal, splits: Path) -> str:
    """Write the config of a proposal.

    Args:
        proposal: The proposal.
        splits: Folder of the split files.
    """
    tasks = tuple(proposal.guesses)
    guesses = proposal.guesses.values()
    dense = {guess.task: "_base_.decoder" for guess in guesses if guess.dense}
    lines = [
        f"# Proposed by `mtlplugins inspect {proposal.folder}`. Check what is marked as unsure.",
        *(f"# unsure: {line}" for line in proposal.unsure),
        "_base_ = [",
        '    "mtlplugins::_base_/models/swin_conv_tiny.py",  # for a CPU; others: docs/weights.md',
        '    "mtlplugins::_base_/schedules/onecycle_cpu.py",',
        '    "mtlplugins::_base_/default_runtime.py",',
        "]",
        f"data_root = {str(proposal.folder.absolute())!r}",
        f"tasks = {tasks!r}",
        f"size = {_size(proposal.size)!r}  # of the model's input; the images are {proposal.size}",
        "",
    ]
    for guess in guesses:
        lines += [f"# {guess.task}: {line}" for line in guess.notes]
        lines += [f"# unsure: {guess.task}: {line}" for line in guess.unsure]
    train, val = (_targets(proposal.parts[split]) for split in ("train", "val"))
    lines += ["train_targets = dict(", *(f"    {t}={_code(v)}," for t, v in train.items()), ")"]
    same = "train_targets" if val == train else _code(val)
    lines += [f"val_targets = {same}"]
    batch = min(_BATCH, len(proposal.parts["train"].names))
    lines += [
        "train_pipeline = [",
        '    dict(type="OpenMultiTaskImage"),',
        '    dict(type="LoadTargets"),',
        '    dict(type="MultiTaskRandomResizedCrop", scale=size, crop_ratio_range=(0.5, 1.0)),',
        '    dict(type="MultiTaskRandomFlip"),',
        '    dict(type="PackMultiTask"),',
        "]",
        "test_pipeline = [",
        '    dict(type="OpenMultiTaskImage"),',
        '    dict(type="MultiTaskResize", scale=size),',
        '    dict(type="LoadTargets"),',
        '    dict(type="PackMultiTask"),',
        "]",
        *_loader("train", proposal.parts["train"], splits, batch, shuffle=True),
        *_loader("val", proposal.parts["val"], splits, batch, shuffle=False),
        "test_dataloader = val_dataloader",
        "val_evaluator = [",
        *(f"    dict(type={g.metric!r}, task={g.task!r})," for g in guesses),
        "]",
        "test_evaluator = val_evaluator",
        "model = dict(",
        f"    decoders=dict(_delete_=True, {', '.join(f'{t}={d}' for t, d in dense.items())}),",
        "    heads=dict(",
        "        _delete_=True,",
        *(f"        {g.task}={_code(g.head)}," for g in guesses),
        "    ),",
        f"    task_weights=dict(_delete_=True, {', '.join(f'{t}=1.0' for t in tasks)}),",
        ")",
        f"max_epochs = {_EPOCHS}",
        "train_cfg = dict(max_epochs=max_epochs)",
        "param_scheduler = [",
        "    dict(",
        '        type="OneCycleLR",',
        "        eta_max=3e-3,",
        "        pct_start=0.2,",
        "        total_steps=max_epochs,",
        "        by_epoch=True,",
        "        convert_to_iter_based=True,",
        "    )",
        "]",
    ]
    return "\n".join(lines) + "\n"


def split_text(proposal: Proposal, part: Part) -> str:
    """Write the split file of a part: an image per line, and its targets' files."""
    tasks = [task for task in proposal.columns if task in part.guesses]
    rows = [["image", *tasks]] if tasks else []
    for key, path in part.names.items():
        name = PurePosixPath(path).relative_to(part.image["folder"]).as_posix()
        rows.append([name, *(proposal.columns[task].get(key, "None") for task in tasks)])
    return "".join("\t".join(row) + "\n" for row in rows)


def _loader(split: str, part: Part, splits: Path, batch: int, *, shuffle: bool) -> list[str]:
    sampler = "DrawSampler" if shuffle else "DefaultSampler"
    test = [] if shuffle else ["        test_mode=True,"]
    pipeline = "train_pipeline" if shuffle else "test_pipeline"
    return [
        f"{split}_dataloader = dict(",
        f"    batch_size={batch},",
        "    num_workers=2,",
        "    persistent_workers=True,",
        f'    sampler=dict(type="{sampler}", shuffle={shuffle}),',
        "    dataset=dict(",
        '        type="MultiTaskDataset",',
        "        data_root=data_root,",
        f"        ann_file={str(splits.absolute() / f'{split}.txt')!r},",
        f"        image={_code(part.image)},",
        f"        targets={split}_targets,",
        f"        pipeline={pipeline},",
        *test,
        "    ),",
        ")",
    ]


def _targets(part: Part) -> dict[str, Any]:
    return {task: guess.target for task, guess in part.guesses.items()}


def _size(size: tuple[int, int]) -> tuple[int, int]:
    """Return an input size of the images' shape, its shorter side about 128 pixels."""
    scale = _SIDE / min(size)
    height, width = (max(_STEP, round(scale * side / _STEP) * _STEP) for side in size)
    return height, width


def _code(value: Any) -> str:
    if isinstance(value, dict) and value and all(str(key).isidentifier() for key in value):
        inside = ", ".join(f"{key}={_code(inner)}" for key, inner in value.items())
        return f"dict({inside})"
    return pformat(value, width=10_000, sort_dicts=False)
