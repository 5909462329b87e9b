# DIODE: both tasks, one encoder without conditioning.
_base_ = "swin_cond_diode.py"
model = dict(backbone=dict(plan=None))
