# The encoder of the rooms, frozen, the singular values of its linear layers scaled by the tasks.
# Not measured.
_base_ = "cond_from_rooms_small_nyuv2.py"
model = dict(backbone=dict(plan=dict(_delete_=True, singular="all", frozen=True)))
