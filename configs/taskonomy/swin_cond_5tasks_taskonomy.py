# The five tasks of Standley et al. 2020 on Taskonomy, conditional attention in all blocks.
_base_ = "swin_cond_dense_taskonomy.py"
tasks = ("semantic", "depth", "normals", "keypoints2d", "edges2d")
