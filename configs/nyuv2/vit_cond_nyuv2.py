# As the thesis's best model, on a plain Vision Transformer: conditional attention in all 12 blocks
# of ViT-B/16, plain LayerNorm, no adapters, task weights 5 (semantic) and 1 (depth).
_base_ = [
    "../_base_/models/vit_conv_unet.py",
    "../_base_/datasets/nyuv2.py",
    "../_base_/schedules/onecycle_1000e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(plan=dict(attention="all")))
default_hooks = dict(
    checkpoint=dict(interval=10, save_best="semantic/mIoU", rule="greater"),
)
