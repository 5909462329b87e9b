# Taskonomy's twelve dense tasks, one encoder without conditioning.
_base_ = "swin_cond_dense_taskonomy.py"
model = dict(backbone=dict(plan=None))
