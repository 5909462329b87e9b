# The headline model on Swin-B, divided among the processes of a machine or of several:
#   tools/dist_train.sh configs/nyuv2/swin_base_cond_sharded_nyuv2.py 8
_base_ = "../swin_cond_nyuv2.py"
runner_type = "ShardedRunner"
checkpoint = "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/swin/swin_base_patch4_window7_224_20220317-e9b98025.pth"
decoder = dict(in_channels=(128, 256, 512, 1024), num_heads=(4, 8, 16))
model = dict(
    backbone=dict(embed_dims=128, num_heads=(4, 8, 16, 32), init_cfg=dict(checkpoint=checkpoint)),
    decoders=dict(semantic=decoder, depth=decoder),
    heads=dict(semantic=dict(in_channels=128), depth=dict(in_channels=128)),
)
train_dataloader = dict(dataset=dict(resident=False))  # each process would hold them
