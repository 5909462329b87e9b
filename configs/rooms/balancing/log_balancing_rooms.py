# Loss balancing by Log.
_base_ = "fixed_balancing_rooms.py"
model = dict(balancing=dict(type="Log"))
