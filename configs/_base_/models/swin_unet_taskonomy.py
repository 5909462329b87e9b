# Swin-S with a Swin U-Net decoder for each dense task of Taskonomy.
_base_ = "swin_unet.py"
decoder = _base_.decoder
# about the magnitude of the values; not measured
values = dict(type="ValuesHead", in_channels=96, std=0.1)
distance = dict(type="DepthHead", in_channels=96, min_depth=0.25, max_depth=16.0)
segments = dict(type="EdgesHead", in_channels=96)
model = dict(
    decoders=dict(
        distance=decoder,
        normals=decoder,
        curvature=decoder,
        edges2d=decoder,
        edges3d=decoder,
        keypoints2d=decoder,
        keypoints3d=decoder,
        shading=decoder,
        segments2d=decoder,
        segments25d=decoder,
    ),
    heads=dict(
        semantic=dict(num_classes=18),
        depth=dict(min_depth=0.25, max_depth=16.0),
        distance=distance,
        normals=dict(type="NormalsHead", in_channels=96),
        curvature=dict(**values, num_values=2),
        edges2d=values,
        edges3d=values,
        keypoints2d=values,
        keypoints3d=values,
        shading=dict(type="ValuesHead", in_channels=96, mean=0.5, std=0.25),
        segments2d=segments,
        segments25d=segments,
    ),
    task_weights=None,
)
