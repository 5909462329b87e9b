# The from-scratch protocol of the literature: 13 classes, background ignored, depth and normals,
# 288 x 384, 200 epochs. A ResNet-34, which learns from 795 frames what a Swin cannot.
_base_ = [
    "../_base_/models/resnet34_conv_unet.py",
    "../_base_/datasets/nyuv2_scratch13.py",
    "../_base_/schedules/onecycle_200e.py",
    "../_base_/default_runtime.py",
]
# the literature reports the mean of the last ten epochs
train_cfg = dict(dynamic_intervals=[(191, 1)])
default_hooks = dict(
    checkpoint=dict(interval=10, save_best="semantic/mIoU", rule="greater"),
)
