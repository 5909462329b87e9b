# Our recipe for the study's figure 9: the class alone.
_base_ = "resnet152_multi_cifar10_ours.py"
tasks = ("label",)
model = dict(task_weights=dict(label=1.0))
