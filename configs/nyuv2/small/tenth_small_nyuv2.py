# The baseline with a tenth of the labels, every tenth training frame, for as many steps: 800. What
# a helper task has to beat.
_base_ = "baseline_small_nyuv2.py"
max_epochs = 80  # of 80 frames
train_dataloader = dict(dataset=dict(indices=list(range(0, 795, 10))))
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
