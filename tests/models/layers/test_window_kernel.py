"""When window attention runs as one kernel, and what it is given."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmseg.models.backbones.swin import WindowMSA
from torch import Tensor

from mtlplugins.models.layers.window_kernel import fits_kernel, window_kernel
from tests.models._models import cond_swin, make_condition, perturb_conditioning

CPU = torch.device("cpu")


def formula(
    msa: WindowMSA,
    qkv: Tensor,
    *,
    matrix: Tensor | None = None,
    task_index: Tensor | None = None,
    region: Tensor | None = None,
) -> Tensor:
    """The kernel's formula, pair by pair of regions, row by row."""
    query, key, value = qkv.unflatten(-1, (3, msa.num_heads, -1)).movedim(3, 0).transpose(3, 4)
    logits = msa.scale * query @ key.mT  # (R, nW, heads, N, N)
    logits = logits + msa.relative_position_bias_table[msa.relative_position_index].permute(2, 0, 1)
    if matrix is not None:
        logits = logits + matrix[task_index][:, None, None]
    if region is not None:
        apart = region[:, :, None] != region[:, None, :]
        logits = logits.masked_fill(apart[:, None], float("-inf"))
    return (logits.softmax(-1) @ value).transpose(2, 3).flatten(-2)


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable], None]]:
    """Let something stand for the kernel on a CPU."""

    def put(kernel: Callable) -> None:
        name = "mtlplugins.models.layers.window_attention_triton"
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(triton_window_attention=kernel))

    monkeypatch.setenv("TRITON_INTERPRET", "1")
    window_kernel.cache_clear()
    yield put
    window_kernel.cache_clear()


def results(rows: dict[int, list[int]]) -> list[Tensor]:
    """Maps and gradients of an encoder of shifted windows, some of them padded."""
    encoder = cond_swin(dict(attention=(0, 0, 1, 1)))
    perturb_conditioning(encoder)
    maps = encoder(torch.linspace(-1, 1, 2 * 3 * 32 * 44).view(2, 3, 32, 44), make_condition(rows))
    total = sum(m.square().sum() for m in maps)
    found = torch.autograd.grad(total, [*encoder.parameters()], allow_unused=True)
    return [*maps, *(g for g in found if g is not None)]


@pytest.mark.parametrize("rows", [{0: [0, 1], 1: [0, 1]}, {0: [1], 2: [0, 1]}])
def test_it_is_given_what_the_plain_path_adds_up(rows: dict, interpreted: Callable) -> None:
    calls = []

    def kernel(*args: Any, **parts: Any) -> Tensor:
        calls.append({name for name, part in parts.items() if part is not None})
        return formula(*args, **parts)

    interpreted(kernel)
    torch.manual_seed(3)
    found = results(rows)
    assert {"region"} in calls[1:]
    assert {"matrix", "task_index"} in calls[1:]
    window_kernel.cache_clear()
    interpreted(lambda *args, **parts: 1 / 0)
    torch.manual_seed(3)
    torch.testing.assert_close(found, results(rows), rtol=1e-4, atol=1e-5)


def test_a_cpu_has_none() -> None:
    window_kernel.cache_clear()
    assert window_kernel(CPU) is None


def broken(*args: Any, **parts: Any) -> Tensor:
    raise RuntimeError("no C compiler")


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (broken, "RuntimeError: no C compiler"),
        (lambda *args, **parts: formula(*args, **parts) * 1.1, "wrong by 0.1"),
        (lambda *args, matrix, **parts: formula(*args, matrix=0 * matrix, **parts), "wrong by"),
    ],
)
def test_one_that_fails_is_not_used(kernel: Callable, reason: str, interpreted: Callable) -> None:
    interpreted(kernel)
    state = torch.get_rng_state()
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "mtlplugins.models.layers.window_kernel.print_log", lambda text, **_: said.append(text)
        )
        assert window_kernel(CPU) is None
        assert window_kernel(CPU) is None
    assert len(said) == 1
    assert reason in said[0]
    assert torch.equal(torch.get_rng_state(), state)  # a training's random numbers stay


def test_what_it_cannot_compute_is_left_to_plain_operations() -> None:
    qkv = torch.zeros(1, 1, 49, 3 * 64)
    assert fits_kernel(qkv, 2, 0.0)
    assert not fits_kernel(qkv.double(), 2, 0.0)
    assert not fits_kernel(qkv, 2, 0.1)  # dropout
    assert not fits_kernel(qkv, 16, 0.0)  # heads of four channels
    assert not fits_kernel(qkv[:, :, :9], 2, 0.0)  # windows of 3
    assert not torch.func.vmap(lambda x: torch.tensor(fits_kernel(x, 2, 0.0)))(qkv[None]).any()
