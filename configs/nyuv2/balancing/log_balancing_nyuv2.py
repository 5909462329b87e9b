# Loss balancing by Log.
_base_ = "fixed_balancing_nyuv2.py"
model = dict(balancing=dict(type="Log"))
