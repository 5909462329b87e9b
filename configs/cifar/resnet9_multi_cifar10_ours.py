# Class and super-class of CIFAR-10 in minutes on a CPU: a ResNet-9 of 2.0 M parameters, one cycle
# of 10 epochs, bfloat16. Of the training images 1,000 are for validation, to watch the run by.
_base_ = [
    "../_base_/models/cifar_resnet9.py",
    "../_base_/datasets/cifar10.py",
    "../_base_/schedules/cifar_sgd_onecycle_20e.py",
    "../_base_/default_runtime.py",
]
max_epochs = 10
few = dict(num_workers=1, dataset=dict(val_fraction=0.02))
train_dataloader = val_dataloader = few
optim_wrapper = dict(type="Bf16OptimWrapper", optimizer=dict(lr=0.2), clip_grad=dict(max_norm=5.0))
one_cycle = {**_base_.param_scheduler[0], "eta_max": 0.2, "total_steps": max_epochs}
param_scheduler = [one_cycle]
train_cfg = dict(max_epochs=max_epochs)
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=1))
