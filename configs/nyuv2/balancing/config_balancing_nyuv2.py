# Loss balancing by ConFIG.
_base_ = "fixed_balancing_nyuv2.py"
model = dict(step=dict(type="TaskByTask"), balancing=dict(type="ConFIG"))
