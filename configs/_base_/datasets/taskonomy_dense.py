# All dense tasks of Taskonomy; papers train on some of them.
_base_ = "taskonomy.py"
tasks = (
    "semantic", "depth", "distance", "normals", "curvature", "edges2d", "edges3d", "keypoints2d",
    "keypoints3d", "shading", "segments2d", "segments25d",
)  # fmt: skip
# Standley et al. 2020 (arXiv:1905.07553) report mean absolute errors: mae, and abs_err of depth.
# Boundaries of segments are no task of a paper: scored as edges of PASCAL-Context.
val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
    dict(type="MultiTaskDepthMetric", task="distance"),
    dict(type="MultiTaskNormalsMetric", task="normals"),
    dict(type="MultiTaskValuesMetric", task="curvature"),
    dict(type="MultiTaskValuesMetric", task="edges2d"),
    dict(type="MultiTaskValuesMetric", task="edges3d"),
    dict(type="MultiTaskValuesMetric", task="keypoints2d"),
    dict(type="MultiTaskValuesMetric", task="keypoints3d"),
    dict(type="MultiTaskValuesMetric", task="shading"),
    dict(type="MultiTaskEdgesMetric", task="segments2d"),
    dict(type="MultiTaskEdgesMetric", task="segments25d"),
]
test_evaluator = val_evaluator
