# Virtual KITTI 2: optical flow to the next frame alone.
_base_ = "swin_baseline_vkitti2.py"
tasks = ("flow",)
default_hooks = dict(checkpoint=dict(save_best="flow/epe", rule="less"))
