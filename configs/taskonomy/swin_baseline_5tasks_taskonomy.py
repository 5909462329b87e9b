# The five tasks of Standley et al. 2020 on Taskonomy, one encoder without conditioning.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("semantic", "depth", "normals", "keypoints2d", "edges2d")
