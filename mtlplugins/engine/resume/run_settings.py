"""Comparison of a run's settings with those in the checkpoint to resume from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

#: Key in ``meta``: batch size and epoch length, on which schedule and data order depend.
SIZES = "sizes"
_BATCH = "the batch size of all processes"
_EPOCH = "the number of batches in an epoch"
_NEEDED = dict(meta=dict, state_dict=dict, message_hub=dict, optimizer=dict)
#: Settings of optimizers that change how they compute, but not the result.
_IMPLEMENTATION = {"params", "fused", "foreach", "capturable", "differentiable"}
#: State of schedules that changes during training, or is no setting.
_COUNTED = {"last_step", "_global_step", "_last_value", "base_values", "verbose"}
_COUNTED |= {"best", "num_bad_epochs", "cooldown_counter"}
#: Prefixes of entries that schedules add to an optimizer's settings.
_SCHEDULED = ("initial_", "max_", "min_")


def refuse_unfit(checkpoint: Any, source: str) -> None:
    """Refuse a checkpoint without the training state that a resume needs.

    Args:
        checkpoint: The content of the file.
        source: The file's name, for the message.

    Raises:
        ValueError: Something that a resume needs is missing.
    """
    parts = checkpoint if isinstance(checkpoint, Mapping) else {}
    missing = [name for name, kind in _NEEDED.items() if not isinstance(parts.get(name), kind)]
    if not missing:
        done = {name: parts["meta"].get(name) for name in ("epoch", "iter")}
        missing = [f"meta.{n}" for n, count in done.items() if type(count) is not int or count < 0]
    if missing:
        raise ValueError(
            f"{source} is not a checkpoint that a run can resume from: it has no "
            f"{', '.join(missing)}. To start from its weights alone, give --cfg-options "
            "load_from=CHECKPOINT and another --work-dir, without --resume; to resume from an "
            "earlier one, move it away"
        )


def refuse_other_seed(seed: int, given: int | None, work_dir: Path) -> None:
    """Refuse a seed that differs from the run's, which would change the order of its data.

    Args:
        seed: The seed of the run.
        given: The seed in the config; None if it sets none.
        work_dir: The run's folder, for the message.

    Raises:
        ValueError: The seeds differ.
    """
    if given not in (None, seed):
        raise ValueError(
            f"randomness.seed={given}, but the run in {work_dir} has seed {seed}: resume it with "
            f"--cfg-options randomness.seed={seed}, or give another --work-dir"
        )


def sizes(runner: Runner) -> dict[str, int]:
    """Return the images per batch over all ranks, and the batches per epoch."""
    loader = runner.train_dataloader
    found = {}
    if loader.batch_size is not None:
        found[_BATCH] = loader.batch_size * get_world_size()
    if hasattr(loader.dataset, "__len__"):
        found[_EPOCH] = len(loader)
    return found


def differences(runner: Runner, checkpoint: Mapping[str, Any]) -> list[str]:
    """Compare the settings of a run with those of a checkpoint, which would silently replace them.

    Args:
        runner: A runner that is built, with nothing loaded yet.
        checkpoint: A checkpoint that :func:`refuse_unfit` accepts.

    Returns:
        The differences, in words.
    """
    found = _compared("", sizes(runner), checkpoint["meta"].get(SIZES, {}))
    if not isinstance(runner.optim_wrapper, OptimWrapper):  # several optimizers
        return found
    built: Any = runner.param_schedulers or ()  # by now a list of schedulers
    now = [schedule.state_dict() for schedule in built]
    schedules = _schedules(now, checkpoint.get("param_schedulers", []))
    if schedules:  # name the length too: a changed one may have caused the difference
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
            found.append(f"{name}.type differs")
            continue
        differing = _compared(f"{name}.", one, other, without=_COUNTED)
        # values derived from the others are named only if nothing else differs
        named = [text for text in differing if not text.startswith(f"{name}._")]
        found += named or differing
    return found


def _optimizers(now: list[dict], before: list[dict], *, scheduled_alike: bool) -> list[str]:
    name = "optim_wrapper.optimizer"
    one, other = ({key for group in groups for key in group} for groups in (now, before))
    scheduled = {key for key in one | other if key.startswith(_SCHEDULED)}
    one, other = one - scheduled, other - scheduled
    if one - other and other - one:  # with more keys only, it is the same of another PyTorch
        return [f"{name}.type differs"]
    sizes_now, sizes_before = ([len(group["params"]) for group in some] for some in (now, before))
    if sum(sizes_now) != sum(sizes_before):
        return []  # a different model, which CheckTasksHook refuses
    if sizes_now != sizes_before:
        return ["optim_wrapper.paramwise_cfg groups the weights differently"]
    found = []
    for one, other in zip(now, before, strict=True):
        # settings that a schedule changes are compared by their initial values
        changing = {key.removeprefix("initial_") for key in {*one, *other} & scheduled}
        changing |= {"betas"} if "momentum" in changing else set()
        changing |= set() if scheduled_alike else scheduled
        found += _compared(f"{name}.", one, other, without=changing | _IMPLEMENTATION)
    return list(dict.fromkeys(found))


def _compared(
    prefix: str,
    now: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    without: Collection[str] = (),
) -> list[str]:
    """List the differences between entries that both mappings have."""
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
