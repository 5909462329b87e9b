# Loss balancing by STCH.
_base_ = "fixed_balancing_rooms.py"
model = dict(balancing=dict(type="STCH"))
