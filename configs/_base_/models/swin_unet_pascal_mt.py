# Swin-S with a Swin U-Net decoder for each of PASCAL-MT's five tasks.
_base_ = "swin_unet.py"
decoder = _base_.decoder
model = dict(
    decoders=dict(
        _delete_=True,
        semantic=decoder,
        parts=decoder,
        saliency=decoder,
        normals=decoder,
        edges=decoder,
    ),
    heads=dict(
        _delete_=True,
        semantic=dict(type="SegmentationHead", in_channels=96, num_classes=21),
        parts=dict(type="SegmentationHead", in_channels=96, num_classes=7),
        saliency=dict(type="MaskHead", in_channels=96, loss=dict(type="BalancedBCELoss")),
        normals=dict(type="NormalsHead", in_channels=96),
        edges=dict(
            type="EdgesHead", in_channels=96, loss=dict(type="BalancedBCELoss", positive=0.95)
        ),
    ),
    # those of MTI-Net (Vandenhende et al. 2020, arXiv:2001.06902), as the 0.95 of edges
    task_weights=dict(
        _delete_=True, semantic=1.0, parts=2.0, saliency=5.0, normals=10.0, edges=50.0
    ),
)
