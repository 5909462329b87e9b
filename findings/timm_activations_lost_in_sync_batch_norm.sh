#!/usr/bin/env bash
# PyTorch's conversion to synchronised batch norms removes the activations of most convolutional networks of timm.
#
# torch 2.11.0 with timm 1.0.31. In EfficientNet, MobileNet and others, timm's norm layer (BatchNormAct2d, a subclass of
# BatchNorm2d) applies the activation too. torch.nn.SyncBatchNorm.convert_sync_batchnorm takes it for a plain batch norm
# and puts a SyncBatchNorm in its place, which never calls its activation: no error, no warning, all weights load, and
# the network is nearly linear. A training on several devices computes something else than one on a single device. (MMEngine calls
# this function for sync_bn="torch"; timm has a convert_sync_batchnorm of its own, which keeps them.)
# Seen (random weights, eval; the difference of the logits to those before, divided by the largest logit):
#   torch 2.11.0, timm 1.0.31
#   tf_efficientnet_lite0: after PyTorch's conversion larger than 0.1: True, after timm's 0.0
#   resnet18 (its activations are layers of their own): after PyTorch's 0.0
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.11.0 torchvision==0.26.0 timm==1.0.31
"$folder/venv/bin/python" - <<'PYTHON'
import copy
import sys

import timm
import torch
from timm.layers import convert_sync_batchnorm

print(f"torch {torch.__version__.split('+')[0]}, timm {timm.__version__}")
torch.manual_seed(0)
image = torch.randn(1, 3, 64, 64)


def difference(model, converted):
    with torch.no_grad():
        before, after = model(image), converted(image)
    return ((after - before).abs().max() / before.abs().max()).item()


def of_torch(model):
    return torch.nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(model))


model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
by_torch, by_timm = of_torch(model), convert_sync_batchnorm(copy.deepcopy(model))
lost, kept = difference(model, by_torch), difference(model, by_timm)
print(f"tf_efficientnet_lite0: after PyTorch's conversion larger than 0.1: {lost > 0.1}, after timm's {kept}")
resnet = timm.create_model("resnet18", pretrained=False).eval()
plain = difference(resnet, of_torch(resnet))
print(f"resnet18 (its activations are layers of their own): after PyTorch's {plain}")
sys.exit(not (lost > 0.1 and kept == 0 and plain == 0))
PYTHON
