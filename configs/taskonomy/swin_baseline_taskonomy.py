# Both tasks, one encoder without conditioning.
_base_ = "swin_cond_taskonomy.py"
model = dict(backbone=dict(plan=None))
