# Cityscapes: both tasks, one encoder without conditioning.
_base_ = "swin_cond_cityscapes.py"
model = dict(backbone=dict(plan=None))
