# Conditional FiLM in the last two stages.
_base_ = "baseline_pretrained_nyuv2.py"
model = dict(backbone=dict(plan=dict(embed_dims=32, norm=(0, 0, 0, 6, 5))))
