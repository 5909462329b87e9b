# Segmentation alone.
_base_ = "cond_attention_small_nyuv2.py"
tasks = ("semantic",)
model = dict(backbone=dict(plan=None))
