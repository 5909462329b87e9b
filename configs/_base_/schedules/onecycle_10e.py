# The thesis's optimiser and schedule in 10 epochs, for large data.
_base_ = "onecycle_1000e.py"
max_epochs = 10
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
