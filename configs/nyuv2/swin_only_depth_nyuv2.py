# Thesis, table 4.3: depth alone.
_base_ = "../swin_cond_nyuv2.py"
tasks = ("depth",)
model = dict(backbone=dict(plan=None))
default_hooks = dict(checkpoint=dict(save_best="depth/d1"))
