# mmseg's UPerNet as decoder and head of the semantic task, beside the usual depth decoder.
_base_ = "../swin_cond_nyuv2.py"
head = dict(
    type="UPerHead",
    in_channels=[96, 192, 384, 768],
    in_index=[0, 1, 2, 3],
    channels=512,
    norm_cfg=dict(type="BN"),
    loss_decode=dict(type="CrossEntropyLoss", avg_non_ignore=True),
)
semantic = dict(_delete_=True, type="MultiTaskDecodeHead", num_classes=14, head=head)
decoders = dict(_delete_=True, depth={{_base_.model.decoders.depth}})
model = dict(decoders=decoders, heads=dict(semantic=semantic))
