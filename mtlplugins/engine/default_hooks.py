"""Default hooks of every run, by name, and how a config changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import CheckpointHook, Hook
from mmseg.registry import HOOKS

from .resume.loops import counts_iterations

#: Names that MMEngine's Runner knows too; it accepts None for these only.
MMENGINE_NAMES = (
    "runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint"
)  # fmt: skip
#: Every default hook by its name in ``default_hooks``; docs/runner.md says what each is for.
DEFAULT_HOOKS: dict[str, dict[str, Any]] = {
    "runtime_info": dict(type="BatchedInfoHook"),
    "timer": dict(type="IterTimerHook"),
    "sampler_seed": dict(type="DistSamplerSeedHook"),
    "logger": dict(type="LoggerHook", interval=10),
    "console": dict(type="ConsoleHook"),
    "param_scheduler": dict(type="ParamSchedulerHook"),
    "checkpoint": dict(type="SafeCheckpointHook", interval=1, max_keep_ckpts=2),
    "visualization": dict(type="MultiTaskVisualizationHook"),
    "nonfinite": dict(type="NonFiniteHook", action="stop"),
    "broken_files": dict(type="BrokenFilesHook"),
    "stop": dict(type="StopSignalHook"),
    "check_resume": dict(type="CheckResumeHook"),
    "check_tasks": dict(type="CheckTasksHook"),
    "step_seed": dict(type="StepSeedHook"),
    "keep_memory": dict(type="KeepMemoryHook"),
    "recent_log": dict(type="RecentLogHook"),
}

_Hooks = dict[str, Hook | dict | None]


def merge_hooks(
    default_hooks: Mapping[str, Hook | dict | None] | None,
    custom_hooks: Sequence[Hook | dict] | None,
    loop: Any = None,
) -> tuple[_Hooks, list[Hook | dict]]:
    """Merge a config's hooks with the defaults, by name.

    An entry without a type changes settings of the default, an entry with a type replaces it, None
    switches it off. MMEngine's ``CheckpointHook`` becomes ``SafeCheckpointHook``, which takes the
    same arguments. A default hook of ours that is listed elsewhere replaces the default, so that no
    hook runs twice: older configs list them in ``custom_hooks``.

    In a loop over iterations, checkpoints and logged scores count iterations, unless the config
    says otherwise, and a checkpoint is saved at each validation. Such a loop has a single epoch:
    counted in epochs, there would be one checkpoint, at the end, and all scores at step 0.

    Args:
        default_hooks: The config's ``default_hooks``.
        custom_hooks: The config's ``custom_hooks``.
        loop: The config's ``train_cfg``.

    Returns:
        Default hooks as MMEngine's Runner takes them, and the remaining custom hooks.

    Raises:
        ValueError: An entry has neither a type nor the name of a default, or checkpoints of a loop
            over iterations are to count epochs.
    """
    own = dict(default_hooks or {})
    custom = []
    homes = {HOOKS.get(DEFAULT_HOOKS[n]["type"]): n for n in DEFAULT_HOOKS if _is_ours(n)}
    for hook in custom_hooks or ():
        if home := homes.get(_class_of(hook)):
            own[home] = hook
        else:
            custom.append(hook)
    for name in [name for name in own if name not in DEFAULT_HOOKS]:
        if home := homes.get(_class_of(own[name])):
            own[home] = own.pop(name)
    merged: _Hooks = {name: _apply_entry(name, own.pop(name, {})) for name in DEFAULT_HOOKS}
    for name, hook in own.items():
        if isinstance(hook, dict) and "type" not in hook:
            raise ValueError(f"default_hooks.{name}: no default has this name; give it a type")
    merged |= own
    if counts_iterations(loop or {}):
        _count_iterations(merged, default_hooks or {}, loop)
    return {n: h for n, h in merged.items() if h is not None or n in MMENGINE_NAMES}, custom


def _count_iterations(merged: _Hooks, given: Mapping[str, Any], loop: Any) -> None:
    """Let the checkpoints and scores of a loop over iterations count those."""
    saving, logging = merged.get("checkpoint"), merged.get("logger")
    if isinstance(saving, dict):
        if saving.setdefault("by_epoch", False):
            raise ValueError(
                "default_hooks.checkpoint.by_epoch=True: a loop over iterations has a single epoch "
                "and would save at its end alone: leave it out, and give interval in iterations"
            )
        if "interval" not in (given.get("checkpoint") or {}) and isinstance(loop, Mapping):
            saving["interval"] = loop.get("val_interval", 1000)  # MMEngine's default
    if isinstance(logging, dict):
        logging.setdefault("log_metric_by_epoch", False)


def _is_ours(name: str) -> bool:
    return name not in MMENGINE_NAMES


def _class_of(hook: Hook | dict | None) -> type | None:
    if not isinstance(hook, dict):
        return type(hook)
    kind = hook.get("type")
    return HOOKS.get(kind) if isinstance(kind, str) else kind


def _apply_entry(name: str, entry: Hook | dict | None) -> Hook | dict | None:
    """Apply a config's entry to the default hook of that name."""
    if not isinstance(entry, dict):
        return entry
    if "type" not in entry:
        return {**DEFAULT_HOOKS[name], **entry}
    if _class_of(entry) is CheckpointHook:
        return {**entry, "type": "SafeCheckpointHook"}
    return dict(entry)
