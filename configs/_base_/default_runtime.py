# What MultiTaskRunner owns (hooks, loops, numbered draws, resuming) is listed in docs/runner.md.
runner_type = "MultiTaskRunner"
default_scope = "mmseg"
custom_imports = dict(imports=["mtlplugins"], allow_failed_imports=False)
# nccl: gloo where there is no GPU; after timeout seconds a process that hangs ends the others
env_cfg = dict(cudnn_benchmark=True, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
randomness = dict(seed=0)
log_processor = dict(by_epoch=True)
load_from = None
resume = False
default_hooks = dict()  # changes by name
# add dict(type="TensorboardVisBackend") for TensorBoard
visualizer = dict(type="MultiTaskVisualizer", vis_backends=[dict(type="LocalVisBackend")])
