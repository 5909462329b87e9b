# The study, figure 7: both tasks, ViT, CIFAR-10. As it stands the figure's first row; the
# other rows are in study.json.
_base_ = [
    "../_base_/models/cifar_vit.py",
    "../_base_/datasets/cifar10.py",
    "../_base_/schedules/cifar_20e.py",
    "../_base_/default_runtime.py",
]
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=1))
