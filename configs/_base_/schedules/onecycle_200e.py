# A convolutional network from scratch in 200 epochs: one cycle to 1e-3.
_base_ = "onecycle_cpu.py"
max_epochs = 200
optim_wrapper = dict(optimizer=dict(lr=1e-3, betas=(0.9, 0.999)))
param_scheduler = [
    dict(
        type="OneCycleLR",
        eta_max=1e-3,
        pct_start=0.1,
        total_steps=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(max_epochs=max_epochs, val_interval=10)
