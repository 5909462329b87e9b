"""Window attention as one Triton kernel that computes its bias on the fly.

The plain path builds a bias of (rows, windows, heads, N, N) for PyTorch's fused attention, as much
memory traffic as the logits themselves, and its kernels pad 49 tokens. This kernel reads position
table, ``M(z)`` and shift mask by index, and queries, keys and values in the layout of their linear
layer. Logits and softmax are float32, in blocks of at most 64 tokens with a running maximum
(Milakov and Gimelshein 2018, https://arxiv.org/abs/1805.02867).

A program computes some windows of one row and one head, which share their bias except for the shift
mask. In the backward pass it sums the gradient of the bias in registers; PyTorch sums over
programs. No two programs write to the same address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
import triton
import triton.language as tl
from mmseg.models.backbones.swin import WindowMSA
from torch import Tensor
from torch.autograd.function import once_differentiable

#: Programs at least, if there are enough windows: more fill a GPU, but each reads the whole bias.
_PROGRAMS = 2048
_BLOCK = 64
_PRECISIONS = {False: "ieee", True: "tf32"}


@dataclass(frozen=True)
class WindowBias:
    """Parts of the bias of the attention logits in windows of N tokens.

    Attributes:
        table: Position biases (P, heads).
        index: Row in the table of each pair of tokens (N, N).
        matrix: ``M(z)`` (T, N, N), or None.
        task_index: Task of each row (R,), an index into ``matrix``; only read with a matrix.
        region: Region number of each token (nW, N), or None. Tokens attend only inside their region
            (see :func:`shift_mask`).
    """

    table: Tensor
    index: Tensor
    matrix: Tensor | None = None
    task_index: Tensor | None = None
    region: Tensor | None = None


def fused_window_attention(qkv: Tensor, bias: WindowBias, *, scale: float | None = None) -> Tensor:
    """Compute softmax(scale · QKᵀ + bias) V inside each window.

    Differentiable once, in ``qkv``, the table and the matrix.

    Args:
        qkv: Queries, keys and values (R, nW, N, 3, heads, d), float32, float16 or bfloat16.
        bias: Bias of the logits, on the same device.
        scale: Factor of the products; None for 1/√d.

    Returns:
        (R, nW, N, heads, d).
    """
    scale = qkv.shape[-1] ** -0.5 if scale is None else scale
    parts = bias.index, bias.task_index, bias.region, scale
    return _WindowAttention.apply(qkv.contiguous(), bias.table, bias.matrix, *parts)


def triton_window_attention(
    msa: WindowMSA,
    qkv: Tensor,
    *,
    matrix: Tensor | None = None,
    task_index: Tensor | None = None,
    region: Tensor | None = None,
) -> Tensor:
    """Compute multi-head self-attention inside each window, without its two linear layers.

    Args:
        msa: Window attention layer, without dropout of attention weights.
        qkv: Queries, keys and values (R, nW, N, 3·C).
        matrix: ``M(z)`` (T, N, N), or None without conditional attention.
        task_index: Task of each row (R,); only read with a matrix.
        region: Region numbers of the tokens of shifted windows (nW, N), or None.

    Returns:
        Output of the heads (R, nW, N, C).
    """
    qkv = qkv.unflatten(-1, (3, msa.num_heads, -1))
    index = cast("Tensor", msa.relative_position_index).int()
    bias = WindowBias(msa.relative_position_bias_table, index, matrix, task_index, region)
    return fused_window_attention(qkv, bias, scale=msa.scale).flatten(-2)


class _WindowAttention(torch.autograd.Function):
    """Autograd function that launches the kernels."""

    @staticmethod
    def forward(
        ctx: Any,
        qkv: Tensor,
        table: Tensor,
        matrix: Tensor | None,
        index: Tensor,
        task_index: Tensor | None,
        region: Tensor | None,
        scale: float,
    ) -> Tensor:
        rows, windows, tokens, _, heads, width = qkv.shape
        out = qkv.new_empty(rows, windows, tokens, heads, width)
        peaks = qkv.new_empty(rows, windows, heads, tokens, dtype=torch.float32)
        shape = _shape(qkv, matrix, region)
        chunks = triton.cdiv(windows, shape["LENGTH"])
        given = _given(table, matrix, index, task_index, region)
        grid = rows * chunks, heads, shape["BLOCKS"]
        launch: Any = _forward[grid]  # triton types the kernel, not its launcher
        launch(qkv, out, peaks, *given, scale, chunks, **shape)
        ctx.save_for_backward(qkv, table, matrix, index, task_index, region, out, peaks)
        ctx.scale = scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        qkv, table, matrix, index, task_index, region, out, peaks = ctx.saved_tensors
        rows, windows, tokens, _, heads, _ = qkv.shape
        shape = _shape(qkv, matrix, region)
        chunks = triton.cdiv(windows, shape["LENGTH"])
        # several blocks add to the same gradients, and half precision would round each sum
        kind = torch.float32 if shape["BLOCKS"] > 1 else qkv.dtype
        to_qkv = torch.empty_like(qkv, dtype=kind)
        to_bias = qkv.new_empty(rows, chunks, heads, tokens, tokens, dtype=torch.float32)
        given = _given(table, matrix, index, task_index, region)
        launch: Any = _backward[rows * chunks, heads]  # triton types the kernel, not its launcher
        launch(
            *(qkv, out, gradient.contiguous(), peaks, to_qkv, to_bias),
            *(*given, ctx.scale, chunks),
            **shape,
        )
        to_bias = to_bias.sum(dim=1)  # (R, heads, N, N)
        to_matrix = None
        if matrix is not None:
            per_row = to_bias.sum(dim=1).flatten(1)
            to_matrix = per_row.new_zeros(len(matrix), per_row.shape[1])
            to_matrix = to_matrix.index_add_(0, task_index, per_row).view_as(matrix)
            to_matrix = to_matrix.to(matrix.dtype)
        per_pair = to_bias.sum(dim=0).flatten(1).T  # (N², heads)
        to_table = torch.zeros_like(table, dtype=torch.float32)
        to_table = to_table.index_add_(0, index.flatten(), per_pair).to(table.dtype)
        return to_qkv.to(qkv.dtype), to_table, to_matrix, None, None, None, None


def _given(
    table: Tensor,
    matrix: Tensor | None,
    index: Tensor,
    task_index: Tensor | None,
    region: Tensor | None,
) -> tuple[Tensor, ...]:
    """Return the parts of the bias; missing parts are never read, so any tensor stands for them."""
    parts = [x if x is None else x.contiguous() for x in (matrix, task_index, region)]
    return table.contiguous(), index.contiguous(), *(index if x is None else x for x in parts)


def _shape(qkv: Tensor, matrix: Tensor | None, region: Tensor | None) -> dict[str, Any]:
    """Return the constants that the kernels are compiled for."""
    rows, windows, tokens, _, heads, width = qkv.shape
    wanted = min(windows, triton.cdiv(_PROGRAMS, rows * heads))
    block = min(max(triton.next_power_of_2(tokens), 16), _BLOCK)
    return dict(
        # windows per program: a power of two, because a kernel is compiled for each number
        LENGTH=triton.next_power_of_2(triton.cdiv(windows, wanted)),
        HEADS=heads,
        WINDOWS=windows,
        TOKENS=tokens,
        WIDTH=width,
        BLOCK=block,
        BLOCKS=triton.cdiv(tokens, block),
        CHANNELS=max(triton.next_power_of_2(width), 16),
        HAS_MATRIX=matrix is not None,
        HAS_REGION=region is not None,
        PRECISION=_PRECISIONS[torch.backends.cuda.matmul.allow_tf32],
        num_warps=8 if block == _BLOCK else 4,
    )


# Each argument of a kernel stands on a line with those of its kind.
# fmt: off
@triton.jit
def _load(
    start, which, token, channel,
    HEADS: tl.constexpr, TOKENS: tl.constexpr, WIDTH: tl.constexpr,
):
    """Load queries (0), keys (1) or values (2) of a window's head: (BLOCK, CHANNELS)."""
    place = (token[:, None] * 3 + which) * HEADS * WIDTH + channel[None, :]
    return tl.load(start + place, (token[:, None] < TOKENS) & (channel[None, :] < WIDTH), other=0.0)


@triton.jit
def _add(
    start, which, token, channel, value, first,
    HEADS: tl.constexpr, TOKENS: tl.constexpr, WIDTH: tl.constexpr, BLOCKS: tl.constexpr,
):
    """Write a gradient of queries, keys or values, or add it to this program's earlier value."""
    place = start + (token[:, None] * 3 + which) * HEADS * WIDTH + channel[None, :]
    inside = (token[:, None] < TOKENS) & (channel[None, :] < WIDTH)
    if BLOCKS > 1:
        value += tl.load(place, inside & (first > 0), other=0.0)
    tl.store(place, value.to(start.dtype.element_ty), inside)


@triton.jit
def _bias(
    table, index, matrix, task_index, row, head, i, j,
    HEADS: tl.constexpr, TOKENS: tl.constexpr, HAS_MATRIX: tl.constexpr,
):
    """Compute position bias + M(z) of queries ``i`` and keys ``j``, −∞ beyond the window."""
    pair = i[:, None] * TOKENS + j[None, :]
    inside = (i[:, None] < TOKENS) & (j[None, :] < TOKENS)
    place = tl.load(index + pair, inside, other=0)
    bias = tl.load(table + place * HEADS + head, inside, other=0.0).to(tl.float32)
    if HAS_MATRIX:
        task = tl.load(task_index + row)
        bias += tl.load(matrix + task * TOKENS * TOKENS + pair, inside, other=0.0).to(tl.float32)
    return tl.where(j[None, :] < TOKENS, bias, float("-inf"))


@triton.jit
def _logits(
    query, key, bias, region, window, i, j, scale,
    TOKENS: tl.constexpr, HAS_REGION: tl.constexpr, PRECISION: tl.constexpr,
):
    """Compute the logits of a window's queries ``i`` and keys ``j``, −∞ between regions."""
    logits = tl.dot(query, tl.trans(key), input_precision=PRECISION) * scale + bias
    if HAS_REGION:
        of_i = tl.load(region + window * TOKENS + i, i < TOKENS, other=-1)
        of_j = tl.load(region + window * TOKENS + j, j < TOKENS, other=-1)
        logits = tl.where(of_i[:, None] == of_j[None, :], logits, float("-inf"))
    return logits


@triton.jit
def _forward(
    qkv, out, peaks, table, index, matrix, task_index, region, scale, chunks,
    LENGTH: tl.constexpr, HEADS: tl.constexpr, WINDOWS: tl.constexpr, TOKENS: tl.constexpr,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, BLOCKS: tl.constexpr, CHANNELS: tl.constexpr,
    HAS_MATRIX: tl.constexpr, HAS_REGION: tl.constexpr, PRECISION: tl.constexpr,
):
    """Compute attention of one block of queries in some windows of a row, for one head."""
    chunk, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    row = chunk // chunks
    i = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.arange(0, CHANNELS)
    if BLOCKS == 1:
        bias = _bias(
            table, index, matrix, task_index, row, head, i, i, HEADS, TOKENS, HAS_MATRIX
        )
    for step in range(LENGTH):
        window = (chunk % chunks) * LENGTH + step
        if window < WINDOWS:
            place = row * WINDOWS + window
            start = qkv + place * TOKENS * 3 * HEADS * WIDTH + head * WIDTH
            query = _load(start, 0, i, channel, HEADS, TOKENS, WIDTH)
            largest = tl.full((BLOCK,), float("-inf"), tl.float32)
            total = tl.zeros((BLOCK,), tl.float32)
            sums = tl.zeros((BLOCK, CHANNELS), tl.float32)
            for block in range(BLOCKS):
                j = block * BLOCK + tl.arange(0, BLOCK)
                key = _load(start, 1, j, channel, HEADS, TOKENS, WIDTH)
                value = _load(start, 2, j, channel, HEADS, TOKENS, WIDTH)
                if BLOCKS > 1:
                    bias = _bias(
                        table, index, matrix, task_index, row, head, i, j,
                        HEADS, TOKENS, HAS_MATRIX,
                    )
                logits = _logits(
                    query, key, bias, region, window, i, j, scale, TOKENS, HAS_REGION, PRECISION
                )
                larger = tl.maximum(largest, tl.max(logits, axis=1))
                # all keys so far may be masked, and −∞ - −∞ is NaN
                finite = tl.where(larger == float("-inf"), 0.0, larger)
                weights = tl.exp(logits - finite[:, None])
                shrink = tl.exp(largest - finite)
                total = total * shrink + tl.sum(weights, axis=1)
                sums = sums * shrink[:, None]
                sums += tl.dot(weights.to(value.dtype), value, input_precision=PRECISION)
                largest = larger
            total = tl.where(total == 0.0, 1.0, total)  # queries beyond the window
            inside = (i[:, None] < TOKENS) & (channel[None, :] < WIDTH)
            to = (place * TOKENS + i[:, None]) * HEADS * WIDTH + head * WIDTH + channel[None, :]
            tl.store(out + to, (sums / total[:, None]).to(out.dtype.element_ty), inside)
            largest = tl.where(largest == float("-inf"), 0.0, largest) + tl.log(total)
            tl.store(peaks + (place * HEADS + head) * TOKENS + i, largest, i < TOKENS)


@triton.jit
def _backward(
    qkv, out, gradient, peaks, to_qkv, to_bias, table, index, matrix, task_index, region, scale,
    chunks,
    LENGTH: tl.constexpr, HEADS: tl.constexpr, WINDOWS: tl.constexpr, TOKENS: tl.constexpr,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, BLOCKS: tl.constexpr, CHANNELS: tl.constexpr,
    HAS_MATRIX: tl.constexpr, HAS_REGION: tl.constexpr, PRECISION: tl.constexpr,
):
    """Compute the gradients of some windows of a row, for one head."""
    chunk, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    row = chunk // chunks
    channel = tl.arange(0, CHANNELS)
    for blocks in range(BLOCKS * BLOCKS):
        i_block, j_block = blocks // BLOCKS, blocks % BLOCKS  # ty: ignore[unsupported-operator]
        i = i_block * BLOCK + tl.arange(0, BLOCK)
        j = j_block * BLOCK + tl.arange(0, BLOCK)
        inside = (i[:, None] < TOKENS) & (channel[None, :] < WIDTH)
        bias = _bias(table, index, matrix, task_index, row, head, i, j, HEADS, TOKENS, HAS_MATRIX)
        to_pairs = tl.zeros((BLOCK, BLOCK), tl.float32)
        for step in range(LENGTH):
            window = (chunk % chunks) * LENGTH + step
            if window < WINDOWS:
                place = row * WINDOWS + window
                offset = place * TOKENS * 3 * HEADS * WIDTH + head * WIDTH
                query = _load(qkv + offset, 0, i, channel, HEADS, TOKENS, WIDTH)
                key = _load(qkv + offset, 1, j, channel, HEADS, TOKENS, WIDTH)
                value = _load(qkv + offset, 2, j, channel, HEADS, TOKENS, WIDTH)
                at = (place * TOKENS + i[:, None]) * HEADS * WIDTH + head * WIDTH + channel[None, :]
                output = tl.load(out + at, inside, other=0.0)
                down = tl.load(gradient + at, inside, other=0.0)
                peak = tl.load(peaks + (place * HEADS + head) * TOKENS + i, i < TOKENS, other=0.0)
                logits = _logits(
                    query, key, bias, region, window, i, j, scale, TOKENS, HAS_REGION, PRECISION
                )
                weights = tl.where(i[:, None] < TOKENS, tl.exp(logits - peak[:, None]), 0.0)
                mean = tl.sum(down.to(tl.float32) * output.to(tl.float32), axis=1)
                to_weights = tl.dot(down, tl.trans(value), input_precision=PRECISION)
                to_logits = weights * (to_weights - mean[:, None])
                to_pairs += to_logits
                weights = weights.to(down.dtype)
                to_scores = (to_logits * scale).to(query.dtype)
                to_value = tl.dot(tl.trans(weights), down, input_precision=PRECISION)
                to_key = tl.dot(tl.trans(to_scores), query, input_precision=PRECISION)
                to_query = tl.dot(to_scores, key, input_precision=PRECISION)
                to = to_qkv + offset
                _add(to, 0, i, channel, to_query, j_block, HEADS, TOKENS, WIDTH, BLOCKS)
                _add(to, 1, j, channel, to_key, i_block, HEADS, TOKENS, WIDTH, BLOCKS)
                _add(to, 2, j, channel, to_value, i_block, HEADS, TOKENS, WIDTH, BLOCKS)
        if BLOCKS > 1:
            tl.debug_barrier()  # what other threads wrote is read by the next blocks
        pair = (chunk * HEADS + head) * TOKENS * TOKENS + i[:, None] * TOKENS + j[None, :]
        tl.store(to_bias + pair, to_pairs, (i[:, None] < TOKENS) & (j[None, :] < TOKENS))
# fmt: on
