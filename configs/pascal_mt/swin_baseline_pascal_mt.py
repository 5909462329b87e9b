# PASCAL-MT's five tasks, one encoder without conditioning.
_base_ = "swin_cond_pascal_mt.py"
model = dict(backbone=dict(plan=None))
