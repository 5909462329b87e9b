# `make demo`: classes and depth, five minutes on two cores. Scene types take longer to learn.
_base_ = "swin_cond_rooms.py"
tasks = ("semantic", "depth")
model = dict(task_weights=dict(depth=10.0))
