# Conditional attention in the third stage only; the thesis's 0-0-18-0 for a stage of 6 blocks.
_base_ = "cond_attention_small_nyuv2.py"
model = dict(backbone=dict(plan=dict(attention=(0, 0, 6, 0))))
