# The study, figure 9: the class alone.
_base_ = "resnet152_multi_cifar10.py"
tasks = ("label",)
model = dict(task_weights=dict(label=1.0))
