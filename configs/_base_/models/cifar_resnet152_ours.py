# The study's ResNet-152 for our recipe: shifted and mirrored images, softened labels.
_base_ = "cifar_resnet152.py"
smooth = dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original")
model = dict(
    data_preprocessor=dict(
        augmentation=[
            dict(type="BatchRandomShift", padding=4),
            dict(type="BatchRandomFlip"),
        ],
    ),
    heads=dict(
        label=dict(dropout=0.1, loss=smooth),
        superclass=dict(dropout=0.1, loss=smooth),
    ),
)
