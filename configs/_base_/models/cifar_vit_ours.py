# The study's ViT for our recipe: shifted and mirrored images, softened labels.
_base_ = "cifar_vit.py"
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
