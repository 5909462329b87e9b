# Depth alone on rendered rooms.
_base_ = "swin_cond_rooms.py"
tasks = ("depth",)
model = dict(backbone=dict(plan=None))
