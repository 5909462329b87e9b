default_scope = "mmseg"
custom_imports = dict(imports=["mtlplugins"], allow_failed_imports=False)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    # gloo where there is no GPU; after timeout seconds a process that hangs ends the others
    dist_cfg=dict(backend="nccl", timeout=600),
)
sync_bn = "torch"  # with several processes, batch norms see the whole batch
randomness = dict(seed=0)
log_processor = dict(by_epoch=True)
log_level = "INFO"
load_from = None
resume = False

default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=10),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="SafeCheckpointHook", interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    visualization=dict(type="MultiTaskVisualizationHook"),
    nonfinite=dict(type="NonFiniteHook", action="stop"),  # or "skip": leave out and count
    broken_files=dict(type="BrokenFilesHook"),  # counts, where a data set has broken_files="skip"
    stop=dict(type="StopSignalHook"),  # at SIGTERM or Ctrl-C save and end
)
custom_hooks = [
    dict(type="CheckResumeHook"),
    dict(type="CheckTasksHook"),
    dict(type="StepSeedHook"),
    dict(type="KeepMemoryHook"),
    dict(type="KeepValuesHook"),
    dict(type="RecentLogHook"),
]

vis_backends = [
    dict(type="LocalVisBackend")
]  # add dict(type="TensorboardVisBackend") for TensorBoard
visualizer = dict(type="MultiTaskVisualizer", vis_backends=vis_backends, name="visualizer")
