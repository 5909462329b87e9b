#!/usr/bin/env bash
# An exported graph reshapes to 1 where the model's view says -1, if repeat_interleave(…, dim=-1) is before it.
#
# torch 2.11.0, torch.onnx.export(dynamo=False), onnxruntime 1.30.0. The exporter's repeat_interleave counts a
# negative dim up in place, dim += rank, in the tensor of a constant that the graph shares: with it every other
# -1 of the graph becomes rank - 1, such as those of later views and expands. The export ends without an error;
# the graph fails when it is run, or, where the sizes happen to agree, has other shapes. With dim=1 in place of
# -1 all is well. Interleaved rotary positions of transformers are made by this call.
# Seen:
#   torch 2.11.0
#   dim=1: (3, 2, 4)
#   dim=-1: fails, requested shape:{3,1,4}
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.11.0 onnx onnxruntime numpy
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import re
import sys
import warnings

import onnxruntime
import torch

warnings.simplefilter("ignore")


class Model(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        rows = torch.arange(x.shape[0]).float()[:, None]
        return x.view(x.shape[0], -1, 4) + rows.repeat_interleave(2, self.dim).sum()


x = torch.zeros(3, 2, 4)
found = {}
for dim in (1, -1):
    file = f"{sys.argv[1]}/graph.onnx"
    settings = dict(dynamo=False, opset_version=17, input_names=["x"], dynamic_axes={"x": {0: "n", 1: "m"}})
    torch.onnx.export(Model(dim), (x,), file, **settings)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        (made,) = onnxruntime.InferenceSession(file, options).run(None, {"x": x.numpy()})
        found[dim] = str(made.shape)
    except Exception as error:
        found[dim] = "fails, " + re.search(r"requested shape:\S+}", str(error)).group()
print("torch", torch.__version__.split("+")[0])
print(*(f"dim={dim}: {what}" for dim, what in found.items()), sep="\n")
sys.exit(found != {1: "(3, 2, 4)", -1: "fails, requested shape:{3,1,4}"})
PYTHON
