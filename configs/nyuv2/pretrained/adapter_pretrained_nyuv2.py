# Conditional FiLM and adapters, the encoder trained too.
_base_ = "baseline_pretrained_nyuv2.py"
model = dict(backbone=dict(plan=dict(embed_dims=32, norm="all", adapter=(0, 1, 1, 2, 0))))
