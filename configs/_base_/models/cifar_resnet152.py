# ResNet-152 and the heads of the study's two tasks, from scratch.
glorot = dict(type="Xavier", distribution="uniform", layer="Linear")  # as Keras starts

model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor",
        bgr_to_rgb=True,
        # of CIFAR-10's training images
        mean=[125.3, 123.0, 113.9],
        std=[63.0, 62.1, 66.7],
    ),
    backbone=dict(type="CondResNet", depth=152, out_indices=(3,)),
    neck=dict(
        type="mmpretrain.LinearNeck",
        in_channels=2048,
        out_channels=2048,
        gap_dim=2,  # global pooling
        norm_cfg=None,
        act_cfg=dict(type="ReLU"),
        init_cfg=glorot,
    ),
    heads=dict(
        label=dict(
            type="ClassificationHead",
            in_channels=2048,
            hidden=(1024, 512, 256, 128),
            num_classes=10,
            dropout=0.0,
            init_cfg=glorot,
        ),
        superclass=dict(
            type="ClassificationHead",
            in_channels=2048,
            hidden=(512, 256, 128),
            num_classes=2,
            dropout=0.0,
            init_cfg=glorot,
        ),
    ),
    task_weights=dict(label=0.5, superclass=0.5),
    test_cfg=dict(mode="whole"),
)
