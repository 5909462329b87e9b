# Depth alone.
_base_ = "baseline_pretrained_nyuv2.py"
tasks = ("depth",)
