# NYUD-MT's four tasks, 40 classes, conditional attention in all blocks of Swin-S.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/nyud_mt.py",
    "../_base_/schedules/onecycle_200e.py",
    "../_base_/default_runtime.py",
]
decoder = _base_.decoder
model = dict(
    backbone=dict(plan=dict(attention="all")),
    decoders=dict(normals=decoder, edges=decoder),
    heads=dict(
        semantic=dict(num_classes=40),
        normals=dict(type="NormalsHead", in_channels=96),
        # edges and task weights as MTI-Net has them (Vandenhende et al. 2020, arXiv:2001.06902)
        edges=dict(
            type="EdgesHead", in_channels=96, loss=dict(type="BalancedBCELoss", positive=0.95)
        ),
    ),
    task_weights=dict(semantic=1.0, depth=1.0, normals=10.0, edges=50.0),
)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
