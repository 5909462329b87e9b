# A small ViT of our own, conditioned on the task in its last half: attention and LayerNorm. Shifted
# and mirrored images, softened labels.
head = dict(
    type="ClassificationHead",
    in_channels=192,
    hidden=(256,),
    dropout=0.1,
    loss=dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original"),
)
model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor",
        bgr_to_rgb=True,
        # of CIFAR-10's training images
        mean=[125.3, 123.0, 113.9],
        std=[63.0, 62.1, 66.7],
        augmentation=[
            dict(type="BatchRandomShift", padding=4),
            dict(type="BatchRandomFlip"),
        ],
    ),
    backbone=dict(
        type="CondVisionTransformer",
        arch=dict(embed_dims=192, num_layers=8, num_heads=3, feedforward_channels=768),
        img_size=32,
        patch_size=4,
        out_type="avg_featmap",
        with_cls_token=False,
        drop_path_rate=0.1,
        plan=dict(attention=(4,), norm=(4,), embed_dims=64),
    ),
    heads=dict(
        label=dict(**head, num_classes=10),
        superclass=dict(**head, num_classes=2),
    ),
    test_cfg=dict(mode="whole"),
)
