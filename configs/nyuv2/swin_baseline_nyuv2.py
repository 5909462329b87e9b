# Thesis, table 4.3: both tasks, one encoder without conditioning.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=None))
experiment = dict(
    _delete_=True,
    name="Baseline Multitask",
    rows={"4.4": "Baseline Multitask", "4.6": "Baseline Multitask"},
    published={"depth/d1": 0.7793, "semantic/mIoU": 49.77},
    sizes=dict(row="Baseline Multitask", trainable=63.9e6, flops_per_task=23.7e9),
)
