# mmseg's own config with the encoder swapped: without a plan ours is a drop-in for mmseg's Swin.
_base_ = "mmseg::swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py"
custom_imports = dict(imports=["mtlplugins"], allow_failed_imports=False)
model = dict(backbone=dict(type="CondSwinTransformer"))
