# Virtual KITTI 2: 14 classes alone.
_base_ = "swin_baseline_vkitti2.py"
tasks = ("semantic",)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
