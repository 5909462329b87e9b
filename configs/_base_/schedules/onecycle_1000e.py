# The thesis, section 4.4: AdamW, one cycle to 4e-5 with 10% of it up, 1000 epochs.
max_epochs = 1000
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=4e-5, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
)
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
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs, val_interval=10)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
