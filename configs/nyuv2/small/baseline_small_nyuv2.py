# Both tasks, one encoder without conditioning.
_base_ = "cond_attention_small_nyuv2.py"
model = dict(backbone=dict(plan=None))
