# Thesis, table 4.2: conditional attention in the last 8 blocks. The thesis gives its size alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(attention=(0, 0, 6, 2))))
experiment = dict(
    _delete_=True,
    name="Attention in the last 8 blocks",
    rows={},
    sizes=dict(
        row="Conditioned Multitask-3: At (0-0-6-2)", trainable=63.9e6, flops_per_task=23.7e9
    ),
)
