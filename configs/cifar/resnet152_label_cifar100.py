# The study, figure 11: the class alone.
_base_ = "resnet152_multi_cifar100.py"
tasks = ("label",)
model = dict(task_weights=dict(label=1.0))
