# Cityscapes at 128 x 256: both tasks, one encoder without conditioning.
_base_ = "swin_cond_cityscapes_7.py"
model = dict(backbone=dict(plan=None))
