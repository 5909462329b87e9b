# Conditional FiLM in the last stage alone, so that the tasks share what is before it.
_base_ = "baseline_pretrained_nyuv2.py"
model = dict(backbone=dict(plan=dict(embed_dims=32, norm=(0, 0, 0, 0, 5))))
