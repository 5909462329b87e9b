#!/usr/bin/env bash
# Released configs say one thing in their names, and do another, as keys of the old runner are left in them.
#
# mmsegmentation 1.2.2 and mmpretrain 1.2.0, read with mmengine 0.10.7. MMEngine's runner reads neither
# `fp16`, nor `runner`, nor `data`, and says nothing about keys that it does not read. So of the shipped configs
#   - mmseg's mae-base_upernet_8xb2-amp-160k trains in float32 (its optimizer wrapper is the plain one),
#   - mmseg's two mobilenet-v3-d8…_4xb4-320k train for 160,000 iterations,
#   - mmpretrain's two hornet-tiny…_8xb128 train with 64 images per GPU.
# Seen:
#   mae-base_upernet_8xb2-amp-160k_ade20k-512x512: fp16={'loss_scale': 'dynamic'}, optim_wrapper.type=OptimWrapper
#   mobilenet-v3-d8-scratch_lraspp_4xb4-320k_cityscapes-512x1024: runner.max_iters=320000, train_cfg.max_iters=160000
#   mobilenet-v3-d8_lraspp_4xb4-320k_cityscapes-512x1024: runner.max_iters=320000, train_cfg.max_iters=160000
#   hornet-tiny_8xb128_in1k: data.samples_per_gpu=128, train_dataloader.batch_size=64
#   hornet-tiny-gf_8xb128_in1k: data.samples_per_gpu=128, train_dataloader.batch_size=64
# Exit status 1 where one of them has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip="$folder/venv/bin/python -m pip install -q"
$pip mmengine-lite==0.10.7 packaging
$pip --no-deps mmsegmentation==1.2.2 mmpretrain==1.2.0 # their configs alone are read
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from pathlib import Path

from mmengine.config import Config

site = next(Path(p) for p in sys.path if p.endswith("site-packages"))
same = True


def show(package, folder, name, old, new, expected):
    global same
    cfg = Config.fromfile(str(site / package / ".mim/configs" / folder / f"{name}.py"))
    found = [cfg, cfg]
    for i, path in enumerate((old, new)):
        for key in path.split("."):
            found[i] = found[i][key]
    print(f"{name}: {old}={found[0]}, {new}={found[1]}")
    same &= tuple(found) == expected


show(
    "mmseg", "mae", "mae-base_upernet_8xb2-amp-160k_ade20k-512x512",
    "fp16", "optim_wrapper.type", ({"loss_scale": "dynamic"}, "OptimWrapper"),
)
for start in ("mobilenet-v3-d8-scratch", "mobilenet-v3-d8"):
    show(
        "mmseg", "mobilenet_v3", f"{start}_lraspp_4xb4-320k_cityscapes-512x1024",
        "runner.max_iters", "train_cfg.max_iters", (320000, 160000),
    )
for start in ("hornet-tiny", "hornet-tiny-gf"):
    show(
        "mmpretrain", "hornet", f"{start}_8xb128_in1k",
        "data.samples_per_gpu", "train_dataloader.batch_size", (128, 64),
    )
sys.exit(not same)
PYTHON
