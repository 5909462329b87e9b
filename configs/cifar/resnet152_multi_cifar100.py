# The study, figure 14: both tasks, ResNet-152, CIFAR-100. As it stands the figure's first row; the
# other rows are in study.json.
_base_ = [
    "../_base_/models/cifar_resnet152.py",
    "../_base_/datasets/cifar100.py",
    "../_base_/schedules/cifar_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    # of CIFAR-100's training images
    data_preprocessor=dict(mean=[129.3, 124.1, 112.4], std=[68.2, 65.4, 70.4]),
    heads=dict(label=dict(num_classes=100), superclass=dict(num_classes=20)),
)
train_dataloader = dict(batch_size=128)
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=1))
