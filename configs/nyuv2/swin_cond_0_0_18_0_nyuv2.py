# Thesis, table 4.11: conditional attention in the third stage alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(attention=(0, 0, 18, 0))))
