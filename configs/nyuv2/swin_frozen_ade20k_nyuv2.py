# Thesis, table 4.5: the frozen encoder, but out of a UPerNet that was trained on ADE20K.
_base_ = "swin_frozen_nyuv2.py"
folder = "upernet_swin_small_patch4_window7_512x512_160k_ade20k_pretrain_224x224_1K"
checkpoint = (
    f"https://download.openmmlab.com/mmsegmentation/v0.5/swin/{folder}/"
    f"{folder}_20210526_192015-ee2fff1c.pth"
)
model = dict(backbone=dict(init_cfg=dict(checkpoint=checkpoint, prefix="backbone.")))
