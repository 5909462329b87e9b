# As cond_ln_attention, from an encoder trained on rooms:
# python tools/train.py configs/rooms/swin_baseline_rooms.py --work-dir work_dirs/rooms_encoder \
#     --cfg-options "model.backbone.depths=(2,2,6,2)"
_base_ = "cond_ln_attention_small_nyuv2.py"
encoder = dict(
    type="Pretrained", checkpoint="work_dirs/rooms_encoder/epoch_2.pth", prefix="backbone."
)
model = dict(backbone=dict(init_cfg=encoder))
