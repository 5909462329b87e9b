# Depth alone.
_base_ = "cond_attention_small_nyuv2.py"
tasks = ("depth",)
model = dict(backbone=dict(plan=None))
