# NYUD-MT's four tasks, one encoder without conditioning.
_base_ = "swin_cond_nyud_mt.py"
model = dict(backbone=dict(plan=None))
