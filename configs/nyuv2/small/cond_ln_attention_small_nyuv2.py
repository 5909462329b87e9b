# Conditional LayerNorm and attention in every block.
_base_ = "cond_attention_small_nyuv2.py"
model = dict(backbone=dict(plan=dict(norm="all")))
