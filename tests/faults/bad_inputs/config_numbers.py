"""Numbers that would silently train wrongly, and keys without effect."""

from __future__ import annotations

from .entry import BadInput, options

#: Key, number as it is typed and as it is read, and what to give.
_NUMBERS = (
    ("optim_wrapper.clip_grad.max_norm", "-1", "-1", "a number above 0"),
    ("optim_wrapper.clip_grad.max_norm", "0", "0", "a number above 0"),
    ("optim_wrapper.accumulative_counts", "1.5", "1.5", "a whole number above 0"),
    ("optim_wrapper.optimizer.lr", "True", "True", "a number"),
    ("param_scheduler.0.eta_max", "-1", "-1", "a number above 0"),
    ("param_scheduler.0.eta_max", "high", "'high'", "a number above 0"),
    ("model.task_weights.depth", "-1", "-1", "a number of 0 or more"),
    ("model.task_weights.depth", "high", "'high'", "a number of 0 or more"),
    ("model.task_weights.depth", "nan", "nan", "a number of 0 or more"),
    ("model.backbone.drop_path_rate", "-0.5", "-0.5", "a share from 0 to below 1"),
    ("model.backbone.drop_rate", "2", "2", "a share from 0 to below 1"),
    ("model.heads.scene.dropout", "1.5", "1.5", "a share from 0 to below 1"),
    ("model.heads.depth.in_channels", "many", "'many'", "a whole number above 0"),
    ("model.data_preprocessor.pad_size_divisor", "0", "0", "a whole number above 0"),
    ("model.data_preprocessor.std", "[0,1,1]", "[0, 1, 1]", "a list of numbers above 0"),
    ("default_hooks.checkpoint.interval", "0", "0", "a whole number above 0, or -1"),
    ("default_hooks.checkpoint.interval", "often", "'often'", "a whole number above 0"),
    ("default_hooks.checkpoint.max_keep_ckpts", "all", "'all'", "a whole number above 0"),
    ("default_hooks.logger.interval", "0", "0", "a whole number above 0"),
    ("randomness.seed", "x", "'x'", "a whole number from 0"),
    ("randomness.seed", "-1", "-1", "a whole number from 0"),
)
#: Where any key is taken, one that means nothing, and what it was to be.
_TYPOS = (
    ("optim_wrapper.paramwise_cfg", "nrom_decay_mult", "did you mean 'norm_decay_mult'?"),
    ("optim_wrapper.clip_grad", "max_nrom", "did you mean 'max_norm'?"),
    ("default_hooks.checkpoint", "intervall", "did you mean 'interval'?"),
)

CONFIG_NUMBERS = (
    *(
        BadInput(
            f"{value} for {key}",
            options("rooms.py", f"{key}={value}"),
            (f"{key}={shown}: give {advice}",),
        )
        for key, value, shown, advice in _NUMBERS
    ),
    *(
        BadInput(
            f"a typo in {where}",
            options("rooms.py", f"{where}.{key}=0"),
            (f"{where}: unknown key {key!r}", known),
        )
        for where, key, known in _TYPOS
    ),
)
