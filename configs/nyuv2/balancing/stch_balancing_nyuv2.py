# Loss balancing by STCH.
_base_ = "fixed_balancing_nyuv2.py"
model = dict(balancing=dict(type="STCH"))
