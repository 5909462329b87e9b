# Conditioned on the task: class and super-class of CIFAR-10, by our recipe.
_base_ = [
    "../_base_/models/cifar_cond_vit.py",
    "../_base_/datasets/cifar10.py",
    "../_base_/schedules/cifar_onecycle_20e.py",
    "../_base_/default_runtime.py",
]
train_dataloader = dict(batch_size=128)
default_hooks = dict(
    checkpoint=dict(interval=5, max_keep_ckpts=1, save_best="label/top1", rule="greater"),
)
