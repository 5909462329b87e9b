# Surface normals added to a trained model: its encoder and other tasks stay as they are.
# python tools/train.py configs/rooms/swin_cond_rooms.py, then this one.
_base_ = "swin_cond_4tasks_rooms.py"
model = dict(frozen_tasks=("semantic", "depth", "scene"))
load_from = "work_dirs/swin_cond_rooms/epoch_2.pth"
