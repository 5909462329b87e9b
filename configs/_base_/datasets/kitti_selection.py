# KITTI's depth benchmark: scored on its 1,000 selected validation images,
# depth_selection/val_selection_cropped/{image,groundtruth_depth}, whole and not in a crop.
_base_ = "kitti.py"
selection = "depth_selection/val_selection_cropped"
val_dataloader = dict(
    dataset=dict(
        **_base_.common,
        image=dict(folder=f"{selection}/image", suffix=".png"),
        renames=dict(depth={"_sync_image_": "_sync_groundtruth_depth_"}),
        targets=dict(depth=dict(**_base_.depth, folder=f"{selection}/groundtruth_depth")),
        pipeline=_base_.test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type="MultiTaskDepthMetric", task="depth", average="image")]
test_evaluator = val_evaluator
