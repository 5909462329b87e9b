# Thesis, table 4.2: conditional attention in the last 8 blocks. The thesis gives its size alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(attention=(0, 0, 6, 2))))
