"""Window attention by the Triton kernel against the plain path: parity and time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from benchmarks.tables import Table
from benchmarks.timing import interleaved
from torch import Tensor

from mtlplugins.models.conditioning import Condition
from mtlplugins.models.layers.window_attention import WindowMSA, attention_bias, window_attention
from mtlplugins.models.layers.windows import Windows

from .parity import difference
from .speed import machine_in
from .steps import Setting

#: Map size in windows and number of heads, for the stages of Swin-T and -S at 224².
STAGES = ((8, 3), (4, 6), (2, 12), (1, 24))
_SIDE, _CHANNELS, _TASKS = 7, 32, 2


def measure(
    setting: Setting, *, images: int, stages: Sequence[tuple[int, int]] = STAGES
) -> Iterator[Table]:
    """Compare both in float32 and time them in bfloat16, shifted and conditioned on two tasks."""
    rows: list[tuple[Any, ...]] = []
    for side, heads in stages:
        with machine_in(setting, "float32"):
            case = Case(setting, side, heads, images)
            found, wanted = case.results(case.fused), case.results(case.plain)
        apart = difference(found, wanted)
        with machine_in(setting, "bfloat16") as machine:
            cases = {
                name: case.step(way, torch.bfloat16, train=train)
                for train, kind in ((False, "forward"), (True, "both"))
                for name, way in ((f"plain {kind}", case.plain), (f"kernel {kind}", case.fused))
            }
            times = interleaved(cases, rounds=setting.rounds, wait=machine.wait)
        ratios = [
            times[f"plain {kind}"].median / times[f"kernel {kind}"].median
            for kind in ("forward", "both")
        ]
        rows.append((f"{side**2} windows, {heads} heads", apart, *times.values(), *ratios))
        yield Table(
            "Window attention as one kernel",
            (
                *("stage", "difference in float32", "plain, forward, ms", "kernel, forward, ms"),
                *("plain, with backward, ms", "kernel, with backward, ms"),
                *("forward: times as fast", "with backward: times as fast"),
            ),
            rows,
            f"{images} images and {_TASKS} tasks, shifted windows of {_SIDE}², times in bfloat16; "
            "with both linear layers. A rehearsal on a CPU times the plain path twice.",
        )


class Case:
    """Attention of a shifted, conditioned block."""

    def __init__(self, setting: Setting, side: int, heads: int, images: int) -> None:
        torch.manual_seed(0)
        device, tokens = setting.device, _SIDE**2
        self.msa = WindowMSA(_CHANNELS * heads, heads, (_SIDE, _SIDE)).to(device)
        torch.nn.init.normal_(self.msa.relative_position_bias_table, std=0.1)
        self.matrix = (0.1 * torch.randn(_TASKS, tokens, tokens, device=device)).requires_grad_()
        windows = Windows((side * _SIDE,) * 2, _SIDE, torch.zeros(1, device=device))
        self.mask, self.region = windows.mask, windows.region
        rows = torch.arange(images, device=device)
        self.condition = Condition(
            z=torch.zeros(_TASKS, 1, device=device),
            image_index=rows.repeat(_TASKS),
            task_index=torch.arange(_TASKS, device=device).repeat_interleave(images),
            rows_per_task=(images,) * _TASKS,
        )
        self.x = torch.randn(
            _TASKS * images, side**2, tokens, _CHANNELS * heads, device=device, requires_grad=True
        )
        self.fused = self._kernel if device == "cuda" else self.plain

    def plain(self) -> Tensor:
        """Compute the attention by the plain path, available on every device."""
        bias = attention_bias(self.msa, self.matrix, self.mask)
        heads = window_attention(self.msa, self.msa.qkv(self.x), bias, self.condition)
        return self.msa.proj(heads)

    def _kernel(self) -> Tensor:
        from mtlplugins.models.layers.window_attention_triton import triton_window_attention

        heads = triton_window_attention(
            self.msa,
            self.msa.qkv(self.x),
            matrix=self.matrix,
            task_index=self.condition.task_index,
            region=self.region,
        )
        return self.msa.proj(heads)

    def results(self, way: Callable[[], Tensor]) -> list[Tensor]:
        """Compute outputs and all gradients; returned on the CPU."""
        out = way()
        leaves = [self.x, self.matrix, *self.msa.parameters()]
        gradients = torch.autograd.grad(out.square().sum(), leaves)
        return [value.detach().cpu().double() for value in (out, *gradients)]

    def step(
        self, way: Callable[[], Tensor], dtype: torch.dtype, *, train: bool
    ) -> Callable[[], None]:
        """Run a forward pass in mixed precision, with or without the backward pass."""
        leaves = [self.x, self.matrix, *self.msa.parameters()]

        def run() -> None:
            with torch.autocast(self.x.device.type, dtype), torch.set_grad_enabled(train):
                out = way()
            if train:
                torch.autograd.grad(out.float().square().sum(), leaves)

        return run
