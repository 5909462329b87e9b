# Both tasks on an encoder of timm without conditioning: any model that timm can make with
# features_only serves. For channels-last maps, as of timm's Swin, add feature_cls="getter".
_base_ = [
    "../_base_/models/resnet_conv_unet.py",
    "../_base_/datasets/nyuv2.py",
    "../_base_/schedules/onecycle_1000e.py",
    "../_base_/default_runtime.py",
]
channels = (96, 192, 384, 768)  # of the maps at strides 4, 8, 16 and 32
model = dict(
    backbone=dict(
        _delete_=True,
        type="TIMMBackbone",
        model_name="convnext_tiny.fb_in1k",
        features_only=True,
        pretrained=True,  # fetched when training starts; False where there is no network
    ),
    decoders=dict(semantic=dict(in_channels=channels), depth=dict(in_channels=channels)),
)
default_hooks = dict(
    checkpoint=dict(interval=10, save_best="semantic/mIoU", rule="greater"),
)
