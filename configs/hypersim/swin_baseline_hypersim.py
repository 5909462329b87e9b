# Hypersim: three tasks, one encoder without conditioning.
_base_ = "swin_cond_hypersim.py"
model = dict(backbone=dict(plan=None))
