# Our recipe for the network of the study's figure 7; the checkpoint that is best on the
# validation images counts.
_base_ = [
    "../_base_/models/cifar_vit_ours.py",
    "../_base_/datasets/cifar10.py",
    "../_base_/schedules/cifar_onecycle_20e.py",
    "../_base_/default_runtime.py",
]
train_dataloader = dict(batch_size=128)
default_hooks = dict(
    checkpoint=dict(interval=5, max_keep_ckpts=1, save_best="label/top1", rule="greater"),
)
