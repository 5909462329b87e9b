# Thesis, table 4.2: all modules in all blocks. The thesis gives its size alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(norm="all", adapter="all")))
