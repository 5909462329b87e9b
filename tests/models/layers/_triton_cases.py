"""Cases of the window attention kernel, for a process with Triton's interpreter.

``TRITON_INTERPRET=1 python -m tests.models.layers._triton_cases`` prints for each case by how much
outputs and gradients differ from the formula, as parts of their largest number. A process of its
own, because Triton is either interpreted or not from its first import on.
"""

from __future__ import annotations

import json
from typing import Any

import torch
import triton.language as tl
from torch import Tensor
from triton.runtime.interpreter import InterpreterBuilder

from mtlplugins.models import CondSwinTransformer, SwinUNetDecoder
from mtlplugins.models.layers import window_attention as window_attention_module
from mtlplugins.models.layers import window_attention_triton as kernel
from mtlplugins.models.layers.window_attention import WindowMSA, attention_bias, window_attention
from mtlplugins.models.layers.window_kernel import window_kernel
from mtlplugins.models.layers.windows import Windows
from tests.models._models import make_condition, perturb

_create_dot = InterpreterBuilder.create_dot


def _dot(builder: InterpreterBuilder, a: Any, b: Any, *others: Any) -> Any:
    """Multiply bfloat16 as float32: the interpreter of Triton 3.6 multiplies its bits."""
    a, b = (
        builder.cast_impl(x, tl.float32) if x.dtype.scalar == tl.bfloat16 else x for x in (a, b)
    )
    return _create_dot(builder, a, b, *others)


InterpreterBuilder.create_dot = _dot


def plain(qkv: Tensor, bias: kernel.WindowBias) -> Tensor:
    """Attention in float64, by the formula."""
    query, key, value = (x.transpose(-3, -2).double() for x in qkv.unbind(3))
    logits = qkv.shape[-1] ** -0.5 * query @ key.mT  # (R, nW, heads, N, N)
    logits = logits + bias.table.double()[bias.index.long()].permute(2, 0, 1)
    if bias.matrix is not None:
        logits = logits + bias.matrix.double()[bias.task_index][:, None, None]
    if bias.region is not None:
        apart = bias.region[:, :, None] != bias.region[:, None, :]
        logits = logits.masked_fill(apart[:, None], float("-inf"))
    return (logits.softmax(-1) @ value).transpose(-3, -2)


def compare(
    window: int,
    *,
    tasks: tuple[int, ...] = (0,),
    windows: int = 1,
    heads: int = 1,
    width: int = 32,
    dtype: torch.dtype = torch.float32,
    matrix: bool = True,
    region: bool = True,
    programs: int | None = None,
) -> dict[str, float]:
    """Compare outputs and the gradients of qkv, table and M(z).

    Args:
        window: Side of a window.
        tasks: Task of each row.
        windows: Windows of a row; the first is cut into regions.
        heads: Attention heads.
        width: Channels of a head.
        dtype: Of queries, keys and values.
        matrix: Whether there is an M(z).
        region: Whether there are regions.
        programs: The least number of programs; few do several windows each.
    """
    torch.manual_seed(0)
    kernel._PROGRAMS = programs or 2048
    tokens = window**2
    qkv = torch.randn(len(tasks), windows, tokens, 3, heads, width, dtype=dtype)
    index = WindowMSA(heads * width, heads, (window, window)).relative_position_index
    # the last queries may attend to none of the first block of keys
    of_token = torch.arange(tokens) * 3 // (2 * tokens) if tokens > 64 else torch.arange(tokens) % 3
    bias = kernel.WindowBias(
        table=torch.randn((2 * window - 1) ** 2, heads, requires_grad=True),
        index=index.int(),
        matrix=torch.randn(max(tasks) + 1, tokens, tokens, requires_grad=True) if matrix else None,
        task_index=torch.tensor(tasks) if matrix else None,
        region=torch.stack([of_token, *[of_token * 0] * (windows - 1)]) if region else None,
    )
    qkv.requires_grad_()
    out = kernel.fused_window_attention(qkv, bias)
    assert out.dtype == dtype
    wanted = plain(qkv, bias)
    gradient = torch.randn_like(out)
    named = dict(qkv=qkv, table=bias.table, matrix=bias.matrix)
    leaves = {name: leaf for name, leaf in named.items() if leaf is not None}
    found = torch.autograd.grad(out, [*leaves.values()], gradient)
    right = torch.autograd.grad(wanted, [*leaves.values()], gradient.double())
    pairs = zip(("out", *leaves), (out, *found), (wanted, *right), strict=True)
    return {name: difference(one, other) for name, one, other in pairs}


def swin_block() -> dict[str, float]:
    """Compare with the plain path: the same weights, mask and order of tokens."""
    torch.manual_seed(0)
    windows, msa = Windows((8, 8), 4, torch.zeros(1)), WindowMSA(32, 1, (4, 4))
    torch.nn.init.normal_(msa.relative_position_bias_table)
    x = torch.randn(1, 4, 16, 32)
    bias = attention_bias(msa, None, windows.mask)
    wanted = msa.proj(window_attention(msa, msa.qkv(x), bias, None))
    found = msa.proj(kernel.triton_window_attention(msa, msa.qkv(x), region=windows.region))
    errors = dict(out=difference(found, wanted))
    for name, parameter in msa.named_parameters():
        one, other = (
            torch.autograd.grad(out.square().sum(), parameter, retain_graph=True)[0]
            for out in (found, wanted)
        )
        errors[name] = difference(one, other)
    return errors


def whole(part: str) -> dict[str, float]:
    """Compare an encoder of shifted, padded and conditioned windows, or a decoder, with plain ones.

    Heads of 32 and 64 channels; as many rows of one task as the other has not.
    """
    torch.manual_seed(0)
    network: Any
    if part == "encoder":
        plan = dict(attention="all", embed_dims=8)
        sizes = dict(embed_dims=32, depths=(1, 2), num_heads=(1, 1), strides=(4, 2), window_size=4)
        network = CondSwinTransformer(**sizes, out_indices=(0, 1), plan=plan, drop_path_rate=0.0)
        condition = make_condition({0: [0, 1], 1: [0]})
        given, others = torch.randn(2, 3, 32, 40), (condition,)
    else:
        network = SwinUNetDecoder((32, 64), num_heads=(1,), window_size=7)
        given, others = [torch.randn(1, 32, 9, 14), torch.randn(1, 64, 5, 7)], ()
    perturb(network.parameters())
    found = []
    for kernel_of in (window_attention_module.window_kernel, lambda device: None):
        window_attention_module.window_kernel = kernel_of
        assert (kernel_of(torch.device("cpu")) is None) == bool(found)
        out = network(given, *others)
        maps = [out] if isinstance(out, Tensor) else out
        # in random directions: norms make the sum of squares nearly constant, and its gradients 0
        towards = torch.Generator().manual_seed(1)
        total = sum((m * torch.randn(m.shape, generator=towards)).sum() for m in maps)
        parameters = dict(network.named_parameters())
        gradients = torch.autograd.grad(total, [*parameters.values()], allow_unused=True)
        named = zip(parameters, gradients, strict=True)
        found.append(
            dict(out=torch.cat([m.flatten() for m in maps]))
            | {n: g for n, g in named if g is not None}
        )
    window_attention_module.window_kernel = window_kernel
    one, other = found
    assert one.keys() == other.keys()
    assert sum("relative_position_bias_table" in name for name in one) == 3 - (part == "decoder")
    return {name: difference(one[name], other[name]) for name in one}


def difference(found: Tensor, wanted: Tensor) -> float:
    """The largest difference over the largest number wanted."""
    return float((found.double() - wanted.double()).abs().max() / wanted.double().abs().max())


CASES: dict[str, dict[str, Any]] = {
    "ragged rows": dict(window=4, tasks=(0, 0, 1), heads=2),
    "window 7": dict(window=7, tasks=(1, 0), windows=2),
    "64 channels": dict(window=7, width=64, region=False),
    "other channels, no task": dict(window=5, width=24, matrix=False),
    "position alone": dict(window=6, matrix=False, region=False),
    "two blocks": dict(window=9, tasks=(1,)),
    "three blocks": dict(window=12),
    "four blocks": dict(window=16, width=64),
    "windows of a program": dict(window=4, windows=3, programs=1),
    "windows of a program, two blocks": dict(window=9, windows=3, programs=1),
    "float16": dict(window=4, dtype=torch.float16),
    "bfloat16": dict(window=4, dtype=torch.bfloat16),
}

if __name__ == "__main__":
    results = {name: compare(**settings) for name, settings in CASES.items()}
    results |= {part: whole(part) for part in ("encoder", "decoder")}
    print(json.dumps(results | {"swin block": swin_block()}))
