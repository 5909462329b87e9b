# The encoder of the rooms, frozen, with a low-rank update of each linear layer that the tasks
# scale. Not measured.
_base_ = "cond_from_rooms_small_nyuv2.py"
model = dict(
    backbone=dict(plan=dict(_delete_=True, low_rank=dict(blocks="all", rank=8), frozen=True))
)
