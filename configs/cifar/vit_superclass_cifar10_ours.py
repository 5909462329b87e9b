# Our recipe for the study's figure 4: the super-class alone.
_base_ = "vit_multi_cifar10_ours.py"
tasks = ("superclass",)
model = dict(task_weights=dict(superclass=1.0))
default_hooks = dict(checkpoint=dict(save_best="superclass/top1"))
