# Depth alone.
_base_ = "fixed_balancing_nyuv2.py"
tasks = ("depth",)
