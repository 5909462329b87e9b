# The demo's tasks, one encoder without conditioning.
_base_ = "swin_cond_rooms.py"
model = dict(backbone=dict(plan=None))
