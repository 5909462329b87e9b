# The study, figure 13: both tasks, ResNet-152, CIFAR-10. As it stands the figure's first row; the
# other rows are in study.json.
_base_ = [
    "../_base_/models/cifar_resnet152.py",
    "../_base_/datasets/cifar10.py",
    "../_base_/schedules/cifar_20e.py",
    "../_base_/default_runtime.py",
]
train_dataloader = dict(batch_size=128)
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=1))
