#!/usr/bin/env bash
# In a shifted block of timm's Swin, the lowest rows of a map attend to its top row where windows do not divide the map.
#
# timm 1.0.31 against torchvision 0.26.0, torch 2.11.0. A shifted block rolls the map, and a mask keeps what was rolled
# from the top to the bottom apart. timm rolls the map first and pads it to whole windows afterwards, while the mask is
# that of a padded map: rows from the top and from the bottom share a window that the mask does not divide. torchvision
# pads first. At sizes that are whole windows the two agree; at others, such as a 512 x 512 image with windows of 7 (a map
# of 128 x 128), the upper edge of an image influences its lower edge.
# Seen (window 7, shift 3; which rows of the output change when row 0 of the input does):
#   timm 1.0.31, torchvision 0.26.0
#   14 rows: timm [0, 1, 2], torchvision [0, 1, 2]
#   16 rows: timm [0, 10, 11, 12, 13, 14, 15], torchvision [0, 1, 2]
#   12 rows: timm [0, 1, 10, 11], torchvision [0, 1, 2]
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.11.0 torchvision==0.26.0 timm==1.0.31
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import timm
import torch
import torchvision
from timm.models.swin_transformer import SwinTransformerBlock as OfTimm
from torchvision.models.swin_transformer import SwinTransformerBlock as OfTorchvision

print(f"timm {timm.__version__}, torchvision {torchvision.__version__.split('+')[0]}")


def touched(block, rows):
    """Rows of the output that change when row 0 of the input does."""
    before = torch.randn(1, rows, rows, 32)
    after = before.clone()
    after[:, 0] += torch.randn(rows, 32)
    with torch.no_grad():
        change = (block(after) - block(before)).abs().amax(dim=(0, 2, 3))
    return [row for row in range(rows) if change[row] > 1e-6]


found = {}
for rows in (14, 16, 12):
    torch.manual_seed(0)
    timm_s = OfTimm(32, (rows, rows), num_heads=2, window_size=7, shift_size=3).eval()
    torchvision_s = OfTorchvision(32, 2, [7, 7], [3, 3]).eval()
    found[rows] = touched(timm_s, rows), touched(torchvision_s, rows)
    print(f"{rows} rows: timm {found[rows][0]}, torchvision {found[rows][1]}")
whole = [0, 1, 2]
expected = {14: (whole, whole), 16: ([0, *range(10, 16)], whole), 12: ([0, 1, 10, 11], whole)}
sys.exit(found != expected)
PYTHON
