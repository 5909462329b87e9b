# Loss balancing by UPGrad.
_base_ = "fixed_balancing_rooms.py"
model = dict(step=dict(type="TaskByTask"), balancing=dict(type="UPGrad"))
