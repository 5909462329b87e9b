# A small network from scratch in 80 epochs of few images.
_base_ = "onecycle_8e.py"
max_epochs = 80
param_scheduler = [
    dict(
        type="OneCycleLR",
        eta_max=2e-3,
        pct_start=0.2,
        total_steps=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
