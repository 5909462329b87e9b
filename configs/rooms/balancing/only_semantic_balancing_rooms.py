# Semantic alone.
_base_ = "fixed_balancing_rooms.py"
tasks = ("semantic",)
