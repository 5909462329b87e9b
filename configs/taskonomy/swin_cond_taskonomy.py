# Thesis, section 4.5.8: Taskonomy's 18 labels and depth, conditional attention in all blocks.
# The thesis does not say how long it trained: 10 epochs here, each 340 times NYUv2's frames.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/taskonomy.py",
    "../_base_/schedules/onecycle_10e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(plan=dict(attention="all")),
    heads=dict(
        semantic=dict(num_classes=18),
        # cameras stand closer to things than NYUv2's; beyond 16 m there is next to nothing
        depth=dict(min_depth=0.25, max_depth=16.0),
    ),
)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
