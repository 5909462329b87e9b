# Both tasks, one encoder without conditioning.
_base_ = "cond_attention_small_nyuv2.py"
experiment = dict(name="Baseline multitask")
model = dict(backbone=dict(plan=None))
