# Loss balancing by NashMTL.
_base_ = "fixed_balancing_rooms.py"
model = dict(step=dict(type="TaskByTask"), balancing=dict(type="NashMTL"))
