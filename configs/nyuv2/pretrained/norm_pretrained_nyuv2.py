# Conditional FiLM behind the pretrained norms of all blocks.
_base_ = "baseline_pretrained_nyuv2.py"
model = dict(backbone=dict(plan=dict(embed_dims=32, norm="all")))
