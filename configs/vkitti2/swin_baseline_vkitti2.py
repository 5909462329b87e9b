# Virtual KITTI 2: three tasks, one encoder without conditioning.
_base_ = "swin_cond_vkitti2.py"
model = dict(backbone=dict(plan=None))
