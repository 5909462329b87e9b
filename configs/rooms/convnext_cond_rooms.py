# The demo's three tasks on a small ConvNeXt V2 of timm, with conditional norms and adapters.
# timm.list_models() names other encoders, docs/encoders.md says what they can carry.
_base_ = "swin_cond_rooms.py"
model = dict(
    backbone=dict(
        _delete_=True,
        type="CondTimmBackbone",
        model_name="convnextv2_atto",
        model_args=dict(dims=(32, 64, 128, 256), depths=(2, 2, 4, 2), drop_path_rate=0.1),
        plan=dict(norm="all", adapter=(0, 0, 4, 2)),
    )
)
