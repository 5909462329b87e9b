#!/usr/bin/env bash
# Triton's interpreter multiplies bfloat16 matrices by their raw bits.
#
# triton 3.6.0 (of torch 2.11.0) with TRITON_INTERPRET=1, by which kernels are tested without a GPU: a tl.dot of
# bfloat16 operands takes each number's 16 bits as an unsigned integer. A matrix of ones times a matrix of ones,
# 16 x 16, should give 16 everywhere; 1.0 in bfloat16 is 0x3F80 = 16256, and 16 * 16256^2 comes out. float16 and
# float32 are right, and so is bfloat16 where the operands are converted to float32 before the product.
# Seen:
#   triton 3.6.0
#   float32: 16.0, float16: 16.0, bfloat16 converted to float32: 16.0
#   bfloat16: 4228120576.0 (by raw bits: 4228120576.0)
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.11.0 numpy
cat >"$folder/dot.py" <<'PYTHON'
import sys

import torch
import triton
import triton.language as tl


@triton.jit
def product(a, b, out, convert: tl.constexpr):
    places = tl.arange(0, 16)[:, None] * 16 + tl.arange(0, 16)[None, :]
    x, y = tl.load(a + places), tl.load(b + places)
    if convert:
        x, y = x.to(tl.float32), y.to(tl.float32)
    tl.store(out + places, tl.dot(x, y))


def first(dtype, convert=False):
    ones, out = torch.ones(16, 16, dtype=dtype), torch.zeros(16, 16)
    product[(1,)](ones, ones, out, convert)
    return out[0, 0].item()


print("triton", triton.__version__)
right = [first(torch.float32), first(torch.float16), first(torch.bfloat16, True)]
print("float32: {}, float16: {}, bfloat16 converted to float32: {}".format(*right))
bits = torch.tensor(1.0, dtype=torch.bfloat16).view(torch.int16).item()
wrong, by_bits = first(torch.bfloat16), torch.tensor(16.0 * bits**2).item()
print(f"bfloat16: {wrong} (by raw bits: {by_bits})")
sys.exit(not (right == [16.0] * 3 and wrong == by_bits))
PYTHON
TRITON_INTERPRET=1 "$folder/venv/bin/python" "$folder/dot.py"
