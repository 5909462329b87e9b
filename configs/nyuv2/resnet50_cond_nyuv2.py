# A conditioned ResNet-50: FiLM behind the norms and adapters beside the blocks of its last two
# stages. Task weights 5 (semantic) and 1 (depth).
_base_ = [
    "../_base_/models/resnet_conv_unet.py",
    "../_base_/datasets/nyuv2.py",
    "../_base_/schedules/onecycle_1000e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(plan=dict(norm=(0, 0, 6, 3), adapter=(0, 0, 6, 3))))
default_hooks = dict(
    checkpoint=dict(interval=10, save_best="semantic/mIoU", rule="greater"),
)
