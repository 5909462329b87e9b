# One encoder for four problems: class and super-class of CIFAR-10 and of CIFAR-100. An image has
# the two of its own data set; the encoder is conditioned on the task as in vit_cond_cifar10.py.
_base_ = [
    "../_base_/models/cifar_cond_vit.py",
    "../_base_/datasets/cifar10_cifar100.py",
    "../_base_/schedules/cifar_onecycle_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    # of both data sets' training images
    data_preprocessor=dict(mean=[127.3, 123.6, 113.2], std=[65.7, 63.8, 68.6]),
    heads=dict(
        _delete_=True,
        label10=dict(**_base_.head, num_classes=10),
        superclass10=dict(**_base_.head, num_classes=2),
        label100=dict(**_base_.head, num_classes=100),
        superclass100=dict(**_base_.head, num_classes=20),
    ),
)
default_hooks = dict(
    checkpoint=dict(interval=5, max_keep_ckpts=1, save_best="label100/top1", rule="greater"),
)
