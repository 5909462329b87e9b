# Our recipe for the study's figure 5: the class alone.
_base_ = "vit_multi_cifar100_ours.py"
tasks = ("label",)
model = dict(task_weights=dict(label=1.0))
