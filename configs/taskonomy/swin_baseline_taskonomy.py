# Both tasks, one encoder without conditioning.
_base_ = "swin_cond_taskonomy.py"
model = dict(backbone=dict(plan=None))
experiment = dict(_delete_=True, name="Taskonomy, baseline multitask")
