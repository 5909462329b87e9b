# Our recipe for the network of the study's figure 8: pictures shifted and mirrored, softened
# labels, one cycle of the learning rate; the checkpoint that is best on the validation pictures
# counts.
_base_ = [
    "../_base_/models/cifar_vit.py",
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
    backbone=dict(attn_drop_rate=0.0, drop_rate=0.0),  # augmentation takes the place of dropout
    heads=dict(
        label=dict(num_classes=100, dropout=0.1, loss=smooth),
        superclass=dict(num_classes=20, dropout=0.1, loss=smooth),
    ),
)
train_dataloader = dict(batch_size=128)
default_hooks = dict(
    checkpoint=dict(interval=5, max_keep_ckpts=1, save_best="label/top1", rule="greater"),
)
experiment = dict(
    name="MTL ViT (CIFAR-100) ours",
    figure=dict(number=8, model="ours"),
    source="Nguyen & Chen 2023, Multi-Task Learning for Image Classification",
)
