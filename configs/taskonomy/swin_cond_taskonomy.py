# Thesis, section 4.5.8: Taskonomy's 18 labels and depth, conditional attention in all blocks.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/taskonomy.py",
    "../_base_/schedules/onecycle_1000e.py",
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
max_epochs = 10  # the thesis does not say; 340 times NYUv2's frames
param_scheduler = [
    dict(
        type="OneCycleLR",
        eta_max=4e-5,
        pct_start=0.1,
        total_steps=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
experiment = dict(
    name="Taskonomy",
    published={"semantic/mIoU": 53.0},
    source="section 4.5.8, in the text",
)
