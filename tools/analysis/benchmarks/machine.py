"""Machine of a benchmark: device, precision, matrix-product rate and training steps."""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mtlplugins.models.layers import linear


@dataclass(frozen=True)
class Machine:
    """Device, precision and number of rounds of all parts.

    Attributes:
        device: "cpu" or "cuda".
        dtype: float32, or bfloat16 for mixed precision.
        rounds: Number of measurements per case.
        rate: FLOP/s of a large matrix product (two per multiply-add).
    """

    device: str
    dtype: torch.dtype
    rounds: int
    rate: float = float("nan")

    def wait(self) -> None:
        """Wait until the device has finished (CUDA synchronisation)."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def autocast(self) -> AbstractContextManager:
        """Context of mixed precision in ``dtype``."""
        mixed = self.dtype is not torch.float32
        return torch.autocast(self.device, self.dtype, enabled=mixed)

    def share(self, operations: int, seconds: float) -> str:
        """Format the share of the matrix-product rate that a case reaches."""
        return f"{operations / seconds / self.rate:.0%}"

    def describe(self) -> str:
        """Describe the machine in a line."""
        words = [_processor(), f"{torch.get_num_threads()} threads", f"{_gibibytes()} GiB"]
        if self.device == "cuda":
            words.append(torch.cuda.get_device_name())
        precision = str(self.dtype).removeprefix("torch.")
        words += [f"PyTorch {torch.__version__}", f"Python {platform.python_version()}"]
        words += [precision, datetime.date.today().isoformat()]
        return ", ".join(words)


def product_rate(device: str, dtype: torch.dtype, *, side: int = 0, repeats: int = 12) -> float:
    """Measure the FLOP/s of a product of two square matrices.

    The best of several repeats, with PyTorch and with our linear layer, whose rates differ on some
    machines.
    """
    side = side or (8192 if device == "cuda" else 3072)
    a = torch.randn(side, side, device=device, dtype=dtype)
    best = float("inf")
    for multiply in [torch.matmul, linear] * repeats:
        began = time.perf_counter()
        product = multiply(a, a)
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    assert product.isfinite().all()
    return 2 * side**3 / best


def count_flops(forward: Callable[[], object]) -> int:
    """Count the operations of a forward pass, two per multiply-add."""
    # the counter does not count fused attention on a CPU
    plain = sdpa_kernel(SDPBackend.MATH)
    with torch.no_grad(), plain, FlopCounterMode(display=False) as counter:
        forward()
    return counter.get_total_flops()


def count_case_flops(forward: Callable[[], object], *, train: bool) -> int:
    """Count the operations of a case: a step has two products in the backward pass for each."""
    return count_flops(forward) * (3 if train else 1)


def training_step(
    machine: Machine,
    module: nn.Module,
    outputs: Callable[[], list[Tensor]],
    *,
    fused: bool = False,
) -> Callable[[], None]:
    """Make an AdamW training step whose loss is the mean square of a module's outputs."""
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-6, fused=fused)

    def step() -> None:
        module.train()
        with machine.autocast():
            loss = sum(out.float().square().mean() for out in outputs())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def inference(
    machine: Machine, module: nn.Module, outputs: Callable[[], object]
) -> Callable[[], None]:
    """Make a forward pass without gradients, as in a test loop."""

    def predict() -> None:
        module.eval()
        with torch.inference_mode(), machine.autocast():
            outputs()

    return predict


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _gibibytes() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
