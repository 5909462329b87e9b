"""The kernel of window attention, by Triton's interpreter on a CPU, against plain operations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
#: Of half precision, a few units in the last place; the formula is of the rounded numbers.
LIMITS = {"float16": 2e-3, "bfloat16": 2e-2}
NAMES = (
    *("ragged rows", "window 7", "64 channels", "other channels, no task", "position alone"),
    *("two blocks", "three blocks", "four blocks"),
    *("windows of a program", "windows of a program, two blocks"),
    *("float16", "bfloat16", "swin block", "encoder", "decoder"),
)


@pytest.fixture(scope="module")
def errors() -> dict[str, dict[str, float]]:
    """By case, the differences of outputs and gradients; one process does them all."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.layers._triton_cases"],
        env=os.environ | dict(TRITON_INTERPRET="1"),
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_it_computes_what_the_formula_says(name: str, errors) -> None:
    """Windows of 16 to 256 tokens, ragged rows, gradients of qkv, table and M(z)."""
    assert {"out"} < set(errors[name])
    limit = LIMITS.get(name, 1e-5)
    assert {key: e for key, e in errors[name].items() if not e <= limit} == {}


def test_every_case_is_looked_at(errors) -> None:
    assert set(errors) == set(NAMES)


COMPILE = """
import torch, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from mtlplugins.models.layers import window_attention_triton as module

for tokens, width, kind, arch in ((49, 32, "bf16", 90), (81, 32, "fp16", 80), (16, 64, "fp32", 80)):
    dtype = dict(bf16=torch.bfloat16, fp16=torch.float16, fp32=torch.float32)[kind]
    qkv = torch.empty(2, 4, tokens, 3, 1, width, dtype=dtype)
    shape = module._shape(qkv, qkv, qkv)
    options = dict(num_warps=shape.pop("num_warps"))
    several = shape["BLOCKS"] > 1
    kinds = dict(peaks="*fp32", to_qkv="*fp32" if several else f"*{kind}", to_bias="*fp32")
    kinds |= dict(table="*fp32", index="*i32", matrix="*fp32", task_index="*i64", region="*i32")
    kinds |= dict(scale="fp32", chunks="i32")
    for kernel in (module._forward, module._backward):
        names = kernel.arg_names
        signature = {n: "constexpr" if n in shape else kinds.get(n, f"*{kind}") for n in names}
        source = ASTSource(kernel, signature, {n: shape[n] for n in names if n in shape})
        done = triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options)
        print(kernel.__name__, tokens, arch, len(done.asm["cubin"]) > 1000)
"""


@pytest.mark.slow
def test_it_compiles_for_gpus_without_one() -> None:
    """Down to machine code of two generations, in a process without the interpreter."""
    done = subprocess.run([sys.executable, "-c", COMPILE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split("\n")[:-1] == [
        f"{name} {tokens} {arch} True"
        for tokens, arch in ((49, 90), (81, 80), (16, 80))
        for name in ("_forward", "_backward")
    ]
