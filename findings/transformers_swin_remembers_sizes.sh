#!/usr/bin/env bash
# What a Swin Transformer gives for an image depends on the sizes of the images before it.
#
# transformers 5.24.0 with torch 2.11.0. Where the map of a stage is smaller than the window, SwinModel makes the
# window smaller and does away with the shift, and writes both into its blocks, which keep them. A model in eval
# that has seen one image of 224 x 224 (whose last stage is 7 x 7) computes something else for an image of
# 448 x 448 than a fresh copy of the same weights does, for the rest of its life: images are read correctly or
# not by the order in which they come.
# Seen (random weights, window 7):
#   transformers 5.24.0
#   448 x 448, twice by a fresh model: differ by 0.0
#   448 x 448, before and after an image of 224 x 224: differ by 0.05 of the largest value
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.11.0 transformers==5.24.0
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import transformers
from transformers import SwinConfig, SwinModel

torch.manual_seed(0)
config = SwinConfig(embed_dim=16, depths=[1, 1, 1, 2], num_heads=[1, 2, 4, 8], window_size=7)
model = SwinModel(config).eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        if "relative_position_bias_table" in name:
            parameter.normal_(std=0.5)  # as trained, not the zeros of a start
large, small = torch.randn(1, 3, 448, 448), torch.randn(1, 3, 224, 224)


def run(image):
    with torch.no_grad():
        return model(image, interpolate_pos_encoding=True).last_hidden_state


print("transformers", transformers.__version__)
first, again = run(large), run(large)
print(f"448 x 448, twice by a fresh model: differ by {(first - again).abs().max().item()}")
run(small)
share = ((run(large) - first).abs().max() / first.abs().max()).item()
print(f"448 x 448, before and after an image of 224 x 224: differ by {share:.2f} of the largest value")
sys.exit(not (torch.equal(first, again) and share > 0.01))
PYTHON
