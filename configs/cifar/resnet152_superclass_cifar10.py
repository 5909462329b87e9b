# The study, figure 10: the super-class alone.
_base_ = "resnet152_multi_cifar10.py"
tasks = ("superclass",)
model = dict(task_weights=dict(superclass=1.0))
