"""Bad values in a config."""

from __future__ import annotations

from .changes import content
from .entry import BadInput, options

_TASKS = "tasks of this model: semantic, depth, scene"
_PARAM = "param_scheduler.0."
_DATA = "train_dataloader.dataset."
_SAVING = "default_hooks.checkpoint."


def _rooms(name: str, values: str, *words: str) -> BadInput:
    return BadInput(name, options("rooms.py", values), words)


def _mixed(name: str, ratios: str) -> BadInput:
    words = ("MixedDataset: ratios=", "give a positive number for each of the 2 data sets")
    return BadInput(name, options("mixed.py", f"{_DATA}ratios={ratios}"), words)


CONFIG_VALUES = (
    _rooms(
        "a task without a head",
        "model.tasks=[semantic,dept]",
        "has 'dept', but the config's tasks are ('semantic', 'depth', 'scene')",
        "name all in `tasks`",
    ),
    _rooms(
        "a weight of no task",
        "model.task_weights.dept=1",
        "task_weights: unknown task 'dept'",
        _TASKS,
    ),
    _rooms(
        "a task to predict that is not there",
        "model.test_cfg.tasks=[dept]",
        "test_cfg.tasks: unknown task 'dept'",
        _TASKS,
    ),
    _rooms(
        "a task name that MMEngine would add up",
        "tasks=[depth,lossy] model.heads.lossy.type=NormalsHead model.heads.lossy.in_channels=8",
        "task 'lossy'",
        "rename the task",
    ),
    _rooms(
        "all tasks frozen",
        "model.frozen_tasks=[semantic,depth,scene]",
        "frozen_tasks has all tasks",
        "leave one out",
    ),
    _rooms(
        "frozen tasks that nothing was loaded for",
        "model.frozen_tasks=[semantic]",
        "model.frozen_tasks=('semantic',)",
        "set load_from to a checkpoint",
    ),
    _rooms(
        "a head of other classes than the data",
        "model.heads.semantic.num_classes=7",
        "the data has 14 classes",
        "correct model.heads.semantic.num_classes",
    ),
    _rooms(
        "a head of other channels than its decoder",
        "model.heads.depth.in_channels=9",
        "DepthHead: in_channels=9, but the decoder gives (2, 8, 16, 24)",
        "correct in_channels",
    ),
    _rooms(
        "a dense head without a decoder",
        "model.decoders=None",
        "SegmentationHead takes the map of a decoder",
        "give its task a decoder",
    ),
    _rooms(
        "a decoder of other channels than the encoder",
        "model.decoders.depth.in_channels=(8,16,32,32)",
        "ConvUNetDecoder: in_channels=(8, 16, 32, 32), but the encoder's maps have (8, 16, 32, 64)",
        "set in_channels to the encoder's",
    ),
    _rooms(
        "fewer maps than the decoder needs",
        "model.backbone.out_indices=(0,1,2)",
        "the encoder's maps have (8, 16, 32) channels",
        "set in_channels to the encoder's",
    ),
    _rooms(
        "a map of a stage that is not there",
        "model.backbone.out_indices=(0,1,2,4)",
        "CondSwinTransformer: out_indices=(0, 1, 2, 4)",
        "give stages, 0 to 3",
    ),
    _rooms(
        "attention heads that do not divide the channels",
        "model.backbone.num_heads=(3,1,1,1)",
        "num_heads=(3, 1, 1, 1)",
        "divides its channels, 8, 16, 32, 64",
    ),
    _rooms("windows of no token", "model.backbone.window_size=0", "window_size=0", "1 or more"),
    _rooms(
        "a plan for fewer stages",
        "model.backbone.plan.attention=(0,0,6)",
        "plan.attention=(0, 0, 6) has 3 numbers, but the encoder has 4 stages",
        "give one number per stage",
    ),
    _rooms(
        "a plan for more blocks than a stage has",
        "model.backbone.plan.attention=(0,0,6,2)",
        "plan.attention=(0, 0, 6, 2): stage 3 has 2 blocks and cannot condition 6",
    ),
    _rooms(
        "a plan with a typo",
        "model.backbone.plan.atention=all",
        "plan: unknown key 'atention'",
        "known keys: attention, norm, adapter",
    ),
    _rooms(
        "a plan in a word that means nothing",
        "model.backbone.plan.attention=every",
        "plan.attention='every'",
        "give 'all', None or one number of blocks per stage",
    ),
    _rooms(
        "a shared vector without conditioning",
        "model.global_embedding=True model.backbone.plan=None",
        "global_embedding needs a conditioned encoder",
        "give backbone.plan",
    ),
    _rooms(
        "sliding windows of no size",
        "model.test_cfg.mode=slide",
        "test_cfg.mode='slide' needs test_cfg.crop_size=(height, width)",
    ),
    _rooms(
        "sliding windows with gaps",
        "model.test_cfg.mode=slide model.test_cfg.crop_size=(32,32) model.test_cfg.stride=(64,32)",
        "test_cfg.stride=(64, 32)",
        "at most crop_size=(32, 32)",
    ),
    _rooms(
        "depths the wrong way round",
        "model.heads.depth.min_depth=20",
        "DepthHead: needs 0 < min_depth < max_depth in metres, got 20 and 10.0",
    ),
    _rooms(
        "an encoder that is not there",
        "model.backbone.type=CondSwin",
        "CondSwin is not in the mmseg::model registry",
        "check whether the value of `CondSwin` is correct",
    ),
    _rooms(
        "a typo among the arguments of the model",
        "model.haeds.semantic.num_classes=3",
        "model: unknown key 'haeds'; did you mean 'heads'?",
    ),
    _rooms(
        "a typo among the arguments of the data",
        f"{_DATA}lenght=4",
        "__init__() got an unexpected keyword argument 'lenght'",
    ),
    _rooms(
        "a typo at the top",
        "train_datalaoder.batch_size=4",
        "no key 'train_datalaoder'",
        "did you mean 'train_dataloader'?",
    ),
    _rooms("batches of nothing", "train_dataloader.batch_size=0", "batch_size=0", "positive"),
    _rooms(
        "a number of workers below 0",
        "train_dataloader.num_workers=-1",
        "num_workers option should be non-negative",
        "use num_workers=0",
    ),
    _rooms("no room to train on", f"{_DATA}length=0", "RoomsDataset: length=0", "give 1 or more"),
    _rooms(
        "a learning rate below 0",
        "optim_wrapper.optimizer.lr=-1",
        "optim_wrapper.optimizer.lr=-1: give a number of 0 or more",
    ),
    _rooms(
        "a learning rate in words",
        "optim_wrapper.optimizer.lr=fast",
        "optim_wrapper.optimizer.lr='fast'",
        "give a number",
    ),
    _rooms(
        "an optimizer with a typo",
        "optim_wrapper.optimizer.type=Adamm",
        "optim_wrapper.optimizer.type='Adamm' is no optimizer",
        "Adam,",
    ),
    _rooms(
        "a learning rate that makes losses infinite",
        "optim_wrapper.optimizer.lr=1e30 param_scheduler=None",
        "task 'depth' has a loss of nan",
        "rooms/0/00000",
        "lower the learning rate or clip gradients",
    ),
    _rooms(
        "a cycle that warms up in a single step",
        f"{_PARAM}by_epoch=False {_PARAM}convert_to_iter_based=False {_PARAM}total_steps=10 "
        f"{_PARAM}pct_start=0.1",
        "param_scheduler: OneCycleLR warms up in one of its 10 steps",
        "set another pct_start",
    ),
    _rooms(
        "a cycle shorter than the training",
        f"{_PARAM}total_steps=5 train_cfg.max_epochs=7",
        "total_steps=5",
        "max_epochs=7: make them equal",
    ),
    _rooms("no epoch", "train_cfg.max_epochs=0", "train_cfg.max_epochs=0", "above 0"),
    _rooms(
        "a validation every 0 epochs",
        "train_cfg.val_interval=0",
        "train_cfg.val_interval=0",
        "give a whole number above 0",
    ),
    _rooms(
        "a metric of no task",
        "val_evaluator.0.task=semantik",
        "val_evaluator: MultiTaskIoUMetric scores task 'semantik'",
        "did you mean 'semantic'?",
    ),
    _rooms(
        "a metric of another kind of task",
        "val_evaluator.0.task=depth default_hooks.checkpoint.save_best=None",
        "task 'depth' scores tasks of kind 'segmentation', but this is of kind 'depth'",
        "use that kind's metric",
    ),
    _rooms(
        "more best classes than there are",
        "val_evaluator.2.topk=(1,100)",
        "task 'scene': topk=(1, 100) asks for more classes than the 9",
    ),
    _rooms(
        "a best checkpoint by a score with a typo",
        "default_hooks.checkpoint.save_best=semantic/miou default_hooks.checkpoint.rule=greater",
        "default_hooks.checkpoint.save_best='semantic/miou'",
        "did you mean semantic/mIoU",
    ),
    _rooms(
        "an unknown answer to infinite losses",
        "default_hooks.nonfinite.action=skipp",
        "NonFiniteHook: action='skipp', give 'stop' or 'skip'",
    ),
    _rooms(
        "two scores whose bests lie apart by one rule",
        f"{_SAVING}save_best=[depth/rmse,depth/d1] {_SAVING}rule=[less]",
        "default_hooks.checkpoint.rule=['less']",
        "for each of the 2 scores of save_best",
    ),
    _rooms(
        "the worst checkpoint as the best",
        f"{_SAVING}save_best=depth/rmse {_SAVING}rule=greater",
        "default_hooks.checkpoint.rule='greater' for 'depth/rmse': give 'less'",
    ),
    _rooms(
        "a typo in how a model predicts",
        "model.test_cfg.mdoe=slide",
        "test_cfg: unknown key 'mdoe'; give mode",
    ),
    _rooms(
        "a task where tasks are asked for",
        "model.test_cfg.task=[depth]",
        "test_cfg: unknown key 'task'; give tasks",
    ),
    _rooms(
        "a hook with a typo",
        "default_hooks.checkpint.interval=5",
        "default_hooks.checkpint has no type",
        "did you mean default_hooks.checkpoint?",
    ),
    _rooms("norms synchronised by a typo", "sync_bn=tourch", "sync_bn='tourch': give 'torch'"),
    _rooms("clipping by a number", "optim_wrapper.clip_grad=1.0", "give dict(max_norm=…), or None"),
    _rooms("clipping by a typo", "optim_wrapper.clip_grad.type=valeu", "give 'norm' or 'value'"),
    _rooms("weights without tasks", "model.task_weights=[1,2]", "give dict(TASK=number)"),
    _rooms(
        "no head for a task",
        "model.heads.depth=None",
        "heads.depth=None: give a dict with its type, or leave the task out of model.tasks",
    ),
    _rooms(
        "no data",
        "train_dataloader.dataset=None",
        "train_dataloader.dataset=None: give the data set with its type",
    ),
    _rooms(
        "a class that the head ignores",
        "model.heads.semantic.ignore_index=3",
        "task 'semantic': the head's ignore_index=3 is the data's class",
        "give model.heads.semantic the data's ignore_index, 255",
    ),
    _rooms(
        "metrics of tasks that are not learned",
        "tasks=None model.tasks=[depth]",
        "val_evaluator: MultiTaskIoUMetric scores task 'semantic', but the model predicts",
        "leave this metric out, or correct model.tasks",
    ),
    _rooms(
        "a task twice", "model.tasks=[depth,depth]", "the names of one or more tasks, each once"
    ),
    *(
        _rooms(
            f"a task named {name!r}",
            f"tasks=[depth,{name}] model.heads.{name}.type=NormalsHead "
            f"model.heads.{name}.in_channels=8",
            f"task {name!r}: PyTorch cannot give this name to a part of a model; rename the task",
        )
        for name in ("train", "keys", "items")
    ),
    _mixed("a mixture of no ratios", "None"),
    _mixed("a mixture with one ratio missing", "(1,)"),
    _mixed("a mixture of words", "(some,more)"),
    _mixed("a mixture of nothing", "(1,0)"),
    BadInput(
        "a mixture that hardly ever takes one",
        options("mixed.py", f"{_DATA}ratios=(1000,1)"),
        ("none of data set 1 (RoomsDataset)", "raise its ratio"),
    ),
    BadInput(
        "a ViT that gives class tokens",
        "train.py vit.py",
        ("the encoder gives (2, 8), no map (n, C, H, W)", "set the backbone's out_type='featmap'"),
    ),
    BadInput(
        "a map of a block that a ViT has not",
        options("vit.py", "model.backbone.out_indices=(0,9)"),
        ("out_indices=(0, 9)", "give blocks, 0 to 1"),
    ),
    BadInput(
        "a ViT of an unknown size",
        options("vit.py", "model.backbone.arch=tremendous"),
        ("arch='tremendous'", "give a dict or one of s, small, b, base"),
    ),
    BadInput(
        "a ViT whose heads do not divide it",
        options("vit.py", "model.backbone.arch.num_heads=3"),
        ("num_heads=3 does not divide embed_dims=8",),
    ),
    BadInput(
        "conditional attention in a ResNet",
        options("resnet.py", "model.backbone.plan.attention=all"),
        ("CondResNet has no attention to condition", "condition it by plan.norm or plan.adapter"),
    ),
    BadInput(
        "a ResNet of a depth that nobody has made",
        options("resnet.py", "model.backbone.depth=19"),
        ("CondResNet: depth=19", "give one of 18, 34, 50, 101, 152"),
    ),
    BadInput(
        "a ResNet with fewer stages than strides",
        options("resnet.py", "model.backbone.num_stages=3 model.backbone.out_indices=(0,1,2)"),
        ("CondResNet: num_stages=3, strides=(1, 2, 2, 2)", "give one stride"),
    ),
    BadInput(
        "an encoder that timm has not",
        options("timm_encoder.py", "model.backbone.model_name=convnextt"),
        ("Unknown model (convnextt)",),
    ),
    BadInput(
        "a config that is no Python",
        "train.py broken.py",
        ("the config broken.py cannot be read", "SyntaxError"),
        content("broken.py", "model = dict(\n"),
    ),
    BadInput(
        "a config that raises",
        "train.py broken.py",
        ("the config broken.py cannot be read", "ZeroDivisionError"),
        content("broken.py", "lr = 1 / 0\n"),
    ),
    BadInput(
        "a config whose base is gone",
        "train.py broken.py",
        ("the config broken.py cannot be read", "gone.py"),
        content("broken.py", "_base_ = 'gone.py'\n"),
    ),
    BadInput(
        "a config of another kind",
        "train.py notes.txt",
        ("the config notes.txt cannot be read", "Only py/yml/yaml/json type are supported"),
        content("notes.txt", "a = 1\n"),
    ),
)
