#!/usr/bin/env bash
# Aggregators that promise an update which harms no task return the plain mean once gradients are small.
#
# torchjd 0.18.0 with its extra quadprog-projector, torch 2.11.0. UPGrad and DualProj project gradients so that the
# update conflicts with none of them. The result should only scale with the gradients. Below a norm of 0.01 of the
# Jacobian (`norm_eps` is 1e-4, and what is compared with it is the square of the norm), both return the mean
# instead, without a word. Late in a training, or where a loss is averaged over many pixels, gradients are that small.
# Seen (two tasks; the smallest product of a task's gradient and the update, divided by the square of the scale; below
# 0 the update harms a task):
#   torchjd 0.18.0
#   gradients times 1: UPGrad +0.03, DualProj +0.00, Mean -0.50
#   gradients times 0.1: UPGrad +0.03, DualProj +0.00, Mean -0.50
#   gradients times 0.001: UPGrad -0.50, DualProj -0.50, Mean -0.50
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.11.0 numpy "torchjd[quadprog-projector]==0.18.0"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from torchjd.aggregation import DualProj, Mean, UPGrad

print("torchjd", version("torchjd"))
gradients = torch.tensor([[1.0, 0.0], [-2.0, 0.5]])
worst = {}
for scale in (1.0, 0.1, 0.001):
    for kind in (UPGrad, DualProj, Mean):
        rows = gradients * scale
        worst[kind.__name__, scale] = (rows @ kind()(rows)).min().item() / scale**2
    parts = [f"{name} {round(value, 2) + 0.0:+.2f}" for (name, of), value in worst.items() if of == scale]
    print(f"gradients times {scale:g}: {', '.join(parts)}")
good = all(worst[name, scale] > -0.01 for name in ("UPGrad", "DualProj") for scale in (1.0, 0.1))
bad = all(abs(worst[name, 0.001] + 0.5) < 0.01 for name in ("UPGrad", "DualProj"))
sys.exit(not (good and bad))
PYTHON
