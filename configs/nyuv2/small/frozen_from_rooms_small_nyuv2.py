# The same encoder, frozen but for adapters, LayerNorm and attention in its last blocks; the
# thesis's 0-0-6-2 for a third stage of 6 blocks instead of 18.
_base_ = "cond_from_rooms_small_nyuv2.py"
last = (0, 0, 2, 2)
model = dict(backbone=dict(plan=dict(attention=last, norm=last, adapter=last, frozen=True)))
