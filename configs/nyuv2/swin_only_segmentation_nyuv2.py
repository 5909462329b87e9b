# Thesis, table 4.3: segmentation alone.
_base_ = "../swin_cond_nyuv2.py"
tasks = ("semantic",)
model = dict(backbone=dict(plan=None))
