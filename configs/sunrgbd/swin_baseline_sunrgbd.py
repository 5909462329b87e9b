# SUN RGB-D: both tasks, one encoder without conditioning.
_base_ = "swin_cond_sunrgbd.py"
model = dict(backbone=dict(plan=None))
