# The three dense tasks and the type of the scene, 27 of them.
_base_ = "swin_cond_3tasks_nyuv2.py"
tasks = ("semantic", "depth", "normals", "scene")
scene = dict(type="ClassificationHead", in_channels=768, num_classes=27)
model = dict(heads=dict(scene=scene), task_weights=dict(scene=0.5))
