# Thesis, table 4.3: both tasks, one encoder without conditioning.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=None))
