# The study: Adam or SGD at Keras's learning rates, 20 epochs, no schedule; the last epoch counts.
max_epochs = 20
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=1e-3, fused=True))
param_scheduler = []
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
