# Our recipe for the network of the study's figure 14: pictures shifted and mirrored, softened
# labels, one cycle of the learning rate; the checkpoint that is best on the validation pictures
# counts.
_base_ = [
    "../_base_/models/cifar_resnet152.py",
    "../_base_/datasets/cifar100.py",
    "../_base_/schedules/cifar_onecycle_20e.py",
    "../_base_/default_runtime.py",
]
smooth = dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original")
model = dict(
    data_preprocessor=dict(
        augmentation=[
            dict(type="BatchRandomShift", padding=4),
            dict(type="BatchRandomFlip"),
        ],
        # of CIFAR-100's training pictures
        mean=[129.3, 124.1, 112.4],
        std=[68.2, 65.4, 70.4],
    ),
    heads=dict(
        label=dict(num_classes=100, dropout=0.1, loss=smooth),
        superclass=dict(num_classes=20, dropout=0.1, loss=smooth),
    ),
)
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type="SGD", lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
    ),
)
param_scheduler = [
    dict(
        type="OneCycleLR",
        eta_max=0.05,
        pct_start=0.2,
        total_steps=20,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
default_hooks = dict(
    checkpoint=dict(interval=5, max_keep_ckpts=1, save_best="label/top1", rule="greater"),
)
experiment = dict(
    name="MTL ResNet-152 (CIFAR-100) ours",
    figure=dict(number=14, model="ours"),
    source="Nguyen & Chen 2023, Multi-Task Learning for Image Classification",
)
