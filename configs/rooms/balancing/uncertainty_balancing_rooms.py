# Loss balancing by Uncertainty.
_base_ = "fixed_balancing_rooms.py"
model = dict(balancing=dict(type="Uncertainty"))
# its weights move faster than the network's, and do not decay
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(balancing=dict(lr_mult=10.0, decay_mult=0.0)))
)
