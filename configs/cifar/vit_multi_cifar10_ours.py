# Our recipe for the network of the study's figure 7: pictures shifted and mirrored, softened
# labels, one cycle of the learning rate; the checkpoint that is best on the validation pictures
# counts.
_base_ = [
    "../_base_/models/cifar_vit.py",
    "../_base_/datasets/cifar10.py",
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
    ),
    backbone=dict(attn_drop_rate=0.0, drop_rate=0.0),  # augmentation takes the place of dropout
    heads=dict(
        label=dict(dropout=0.1, loss=smooth),
        superclass=dict(dropout=0.1, loss=smooth),
    ),
)
train_dataloader = dict(batch_size=128)
default_hooks = dict(
    checkpoint=dict(interval=5, max_keep_ckpts=1, save_best="label/top1", rule="greater"),
)
experiment = dict(
    name="MTL ViT (CIFAR-10) ours",
    figure=dict(number=7, model="ours"),
    source="Nguyen & Chen 2023, Multi-Task Learning for Image Classification",
)
