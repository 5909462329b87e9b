# ScanNet: both tasks, one encoder without conditioning.
_base_ = "swin_cond_scannet.py"
model = dict(backbone=dict(plan=None))
