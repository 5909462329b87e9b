"""Budget of conditional modules: what each costs in parameters, operations and time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import combinations
from statistics import median
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.conditioning import MODULES
from mtlplugins.models.rows import AllRows

from .complexity import count_parameters, training_size

#: Stands for the encoder without a plan.
PLAIN = "none"


@dataclass(frozen=True)
class Budget:
    """Costs of a model.

    Attributes:
        params: Parameters.
        trainable: Those that are trained.
        stored: Parameters of one task alone, by task: its embedding, decoder and head. A checkpoint
            grows by them where the task is added.
        flops: Operations for one image, two per multiply-add, by subset of the tasks.
        seconds: Processor time of one image on one thread, by subset; empty if not measured.
    """

    params: int
    trainable: int
    stored: dict[str, int]
    flops: dict[tuple[str, ...], int]
    seconds: dict[tuple[str, ...], float]


def module_budgets(
    cfg: Config,
    size: tuple[int, int] | None = None,
    *,
    modules: Sequence[str] = (PLAIN, *MODULES),
    rounds: int = 0,
) -> dict[str, Budget | str]:
    """Measure a config's model with each conditional module in all blocks of a frozen encoder.

    Args:
        cfg: A config whose ``model.backbone`` takes a ``plan``; its own plan is not used.
        size: (height, width) of the image; None for the training size of the config.
        modules: Names of conditional modules; :data:`PLAIN` is the trained encoder without one.
        rounds: Predictions of each subset of the tasks that are timed, after one that is not; their
            median counts. 0 for no times.

    Returns:
        The budget with each module; for a module that the encoder cannot carry, the reason.

    Raises:
        ValueError: ``size`` is not positive, ``rounds`` is negative, a module is unknown, or the
            encoder takes no plan.
    """
    init_default_scope("mmseg")
    size = size or training_size(cfg)
    if min(size) < 1:
        raise ValueError(f"size {size[0]} x {size[1]}: give a height and a width above 0")
    if rounds < 0:
        raise ValueError(f"rounds={rounds}: give 0 for no times, or more")
    if unknown := set(modules) - {PLAIN, *MODULES}:
        raise ValueError(f"no module {min(unknown)!r}; known: {', '.join(MODULES)}")
    return {module: _of_module(cfg, module, size, rounds) for module in modules}


def subsets(tasks: Sequence[str]) -> list[tuple[str, ...]]:
    """List the subsets of tasks, the smallest first, without the empty one."""
    return [chosen for n in range(1, len(tasks) + 1) for chosen in combinations(tasks, n)]


def _of_module(cfg: Config, module: str, size: tuple[int, int], rounds: int) -> Budget | str:
    config = Config(dict(model=cfg.model)).to_dict()["model"]
    encoder = config["backbone"]
    kind = MODELS.get(encoder["type"])
    if kind is not None and "plan" not in signature(kind).parameters:
        raise ValueError(
            f"model.backbone of type {encoder['type']} takes no plan: measure a Cond* encoder "
            "(docs/conditioning.md)"
        )
    encoder["plan"] = None if module == PLAIN else {module: "all", "frozen": True}
    try:
        with torch.device("meta"):  # counts need no values
            model = MODELS.build(config)
    except ValueError as refusal:
        if module == PLAIN:
            raise
        return str(refusal)
    chosen = subsets(model.tasks)
    flops = {tasks: _flops(model.eval(), size, tasks) for tasks in chosen}
    return Budget(
        **count_parameters(model.train()),  # a frozen encoder stays frozen
        stored={task: _stored(model, task) for task in model.tasks},
        flops=flops,
        seconds=_seconds(config, size, chosen, rounds) if rounds else {},
    )


def _stored(model: MultiTaskModel, task: str) -> int:
    own = sum(count_parameters(part)["params"] for part in model.modules_of(task))
    embedding = model.task_embedding
    return own if embedding is None else own + embedding.vectors[task].numel()


def _flops(model: MultiTaskModel, size: tuple[int, int], tasks: tuple[str, ...]) -> int:
    image = torch.zeros(1, 3, *size, device="meta")
    # the counter does not count fused attention on every device
    plain = sdpa_kernel(SDPBackend.MATH)
    with torch.no_grad(), plain, FlopCounterMode(display=False) as counter:
        model.encode_decode(image, AllRows(tasks, 1))
    return counter.get_total_flops()


def _seconds(
    config: dict[str, Any], size: tuple[int, int], chosen: list[tuple[str, ...]], rounds: int
) -> dict[tuple[str, ...], float]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = MODELS.build(config).eval()
        image = torch.zeros(1, 3, *size)
        times: dict[tuple[str, ...], list[float]] = {tasks: [] for tasks in chosen}
        with torch.no_grad():
            for _ in range(rounds + 1):  # in turn, so that a slow phase meets all
                for tasks in chosen:
                    start = time.process_time()
                    model.encode_decode(image, AllRows(tasks, 1))
                    times[tasks].append(time.process_time() - start)
        return {tasks: median(found[1:]) for tasks, found in times.items()}
    finally:
        torch.set_num_threads(threads)
