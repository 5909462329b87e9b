#!/usr/bin/env bash
# UPGrad of small gradients is their plain mean, in conflict or not.
#
# torchjd 0.18.0 with torch 2.11.0. UPGrad and DualProj normalise the Gramian G by its trace only where that is
# above norm_eps = 1e-4; below (a Frobenius norm of the Jacobian under 0.01) the projection is of a Gramian of
# zeros and the weights are those of the mean. The direction therefore depends on the unit of the losses: of the
# Jacobian J = [[-4, 1, 1], [6, 1, 1]] the result is [0.29, 1.90, 1.90], which conflicts with no row; of J / 1000
# it is the mean [1, 1, 1] / 1000, which conflicts with the first. With losses of small gradients (late in a
# training, or averaged over many pixels) the method silently becomes the mean. MGDA keeps its direction.
# Seen:
#   UPGrad   of J: [0.2929, 1.9004, 1.9004]; of J / 1000, times 1000: [1.0000, 1.0000, 1.0000]
#   DualProj of J: [0.5563, 1.1109, 1.1109]; of J / 1000, times 1000: [1.0000, 1.0000, 1.0000]
#   product of UPGrad's result with the first row: 2.63 of J, -2.00 of J / 1000 (times 1e6)
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.11.0 torchjd==0.18.0 numpy qpsolvers quadprog
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
from torchjd.aggregation import DualProj, UPGrad

J = torch.tensor([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
found = {}
for method in (UPGrad(), DualProj()):
    name = type(method).__name__
    found[name] = method(J), 1000 * method(J / 1000)
    texts = ["[" + ", ".join(f"{x:.4f}" for x in row.tolist()) + "]" for row in found[name]]
    print(f"{name:8} of J: {texts[0]}; of J / 1000, times 1000: {texts[1]}")
large, small = (float(J[0] @ row) for row in found["UPGrad"])
print(f"product of UPGrad's result with the first row: {large:.2f} of J, {small:.2f} of J / 1000 (times 1e6)")
mean = J.mean(0)
is_mean = all(torch.allclose(small, mean, atol=1e-4) for _, small in found.values())
sys.exit(not (is_mean and large >= 0 > small))
PYTHON
