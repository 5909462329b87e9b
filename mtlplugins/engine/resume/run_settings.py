"""Settings of a run, compared with those of the checkpoint that it is resumed from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

#: In ``meta``: what the schedule and the order of the data depend on.
SIZES = "sizes"
_BATCH = "the batch size of all processes"
_EPOCH = "the number of batches in an epoch"
_NEEDED = dict(meta=dict, state_dict=dict, message_hub=dict, optimizer=dict)
#: Settings of optimizers that change how they compute, and not what.
_HOW = {"params", "fused", "foreach", "capturable", "differentiable"}
#: What schedules count, or take from elsewhere.
_COUNTED = {"last_step", "_global_step", "_last_value", "base_values", "verbose"}
_COUNTED |= {"best", "num_bad_epochs", "cooldown_counter"}
#: What schedules leave in an optimizer's settings.
_SCHEDULED = ("initial_", "max_", "min_")


def refuse_unfit(checkpoint: Any, source: str) -> None:
    """Refuse a file that a training did not save to be resumed from.

    Args:
        checkpoint: What the file holds.
        source: The file's name.

    Raises:
        ValueError: It lacks something that a run needs to go on.
    """
    parts = checkpoint if isinstance(checkpoint, Mapping) else {}
    missing = [name for name, kind in _NEEDED.items() if not isinstance(parts.get(name), kind)]
    if not missing:
        done = {name: parts["meta"].get(name) for name in ("epoch", "iter")}
        missing = [f"meta.{n}" for n, count in done.items() if type(count) is not int or count < 0]
    if missing:
        raise ValueError(
            f"{source} is no checkpoint that a run can go on from: it has no {', '.join(missing)}. "
            "To start from its weights alone, give --cfg-options load_from=CHECKPOINT and another "
            "--work-dir, without --resume; to go on from an earlier one, move it away"
        )


def refuse_other_seed(seed: int, given: int | None, work_dir: Path) -> None:
    """Refuse a seed that is not the run's: the order of its data would be another.

    Args:
        seed: The run's.
        given: The config's; None for none.
        work_dir: The run's folder, for the message.

    Raises:
        ValueError: They differ.
    """
    if given not in (None, seed):
        raise ValueError(
            f"randomness.seed={given}, but the run in {work_dir} has seed {seed}: resume it with "
            f"--cfg-options randomness.seed={seed}, or give another --work-dir"
        )


def sizes(runner: Runner) -> dict[str, int]:
    """The images of a batch in all processes, and the batches of an epoch."""
    loader = runner.train_dataloader
    found = {}
    if loader.batch_size is not None:
        found[_BATCH] = loader.batch_size * get_world_size()
    if hasattr(loader.dataset, "__len__"):
        found[_EPOCH] = len(loader)
    return found


def differences(runner: Runner, checkpoint: Mapping[str, Any]) -> list[str]:
    """Compare the settings of a run with those that a checkpoint would silently put in their place.

    Args:
        runner: Built, and nothing is loaded yet.
        checkpoint: One that :func:`refuse_unfit` takes.

    Returns:
        What differs, in words.
    """
    found = _compared("", sizes(runner), checkpoint["meta"].get(SIZES, {}))
    if not isinstance(runner.optim_wrapper, OptimWrapper):  # several optimizers
        return found
    now = [schedule.state_dict() for schedule in runner.param_schedulers or ()]
    schedules = _schedules(now, checkpoint.get("param_schedulers", []))
    if schedules:  # which an option that changes the length may have changed
        before = checkpoint["message_hub"].get("runtime_info", {})
        found += _compared("train_cfg.", dict(max_epochs=runner.max_epochs), before)
    groups = runner.optim_wrapper.optimizer.param_groups
    before = checkpoint["optimizer"].get("param_groups", [])
    return found + schedules + _optimizers(groups, before, scheduled_alike=not schedules)


def _schedules(now: list[dict], before: list[dict]) -> list[str]:
    if len(now) != len(before):
        return [f"param_scheduler has {len(now)} schedules, had {len(before)}"]
    found = []
    for index, (one, other) in enumerate(zip(now, before, strict=True)):
        name = f"param_scheduler.{index}"
        if one.keys() != other.keys():
            found.append(f"{name}.type is another")
            continue
        differing = _compared(f"{name}.", one, other, without=_COUNTED)
        # what is computed from the others comes last, and is not needed beside them
        named = [text for text in differing if not text.startswith(f"{name}._")]
        found += named or differing
    return found


def _optimizers(now: list[dict], before: list[dict], *, scheduled_alike: bool) -> list[str]:
    name = "optim_wrapper.optimizer"
    one, other = ({key for group in groups for key in group} for groups in (now, before))
    scheduled = {key for key in one | other if key.startswith(_SCHEDULED)}
    one, other = one - scheduled, other - scheduled
    if one - other and other - one:  # one that has more is the same of another PyTorch
        return [f"{name}.type is another"]
    sizes_now, sizes_before = ([len(group["params"]) for group in some] for some in (now, before))
    if sum(sizes_now) != sum(sizes_before):
        return []  # another model, which is not this function's business
    if sizes_now != sizes_before:
        return ["optim_wrapper.paramwise_cfg divides the weights otherwise"]
    found = []
    for one, other in zip(now, before, strict=True):
        # what a schedule changes is compared as it was at the start
        changing = {key.removeprefix("initial_") for key in {*one, *other} & scheduled}
        changing |= {"betas"} if "momentum" in changing else set()
        changing |= set() if scheduled_alike else scheduled
        found += _compared(f"{name}.", one, other, without=changing | _HOW)
    return list(dict.fromkeys(found))


def _compared(
    prefix: str,
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    without: Collection[str] = (),
) -> list[str]:
    """Say which of the entries that both have differ."""
    return [
        f"{prefix}{key} is {_text(now[key])}, was {_text(before[key])}"
        for key in now
        if key in before and key not in without and _plain(now[key]) != _plain(before[key])
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Tensor | np.generic):
        return value.tolist()
    return getattr(value, "__name__", value)


def _text(value: Any) -> str:
    text = str(_plain(value))
    return text if len(text) <= 40 else f"{text[:40]}…"
