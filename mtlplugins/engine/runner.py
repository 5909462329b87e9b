"""MMEngine Runner with exact resume, crash safety and checks as defaults."""

from __future__ import annotations

import copy
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import BaseLoop, CheckpointLoader, Runner, load_state_dict
from mmengine.visualization import Visualizer
from mmseg.registry import MODEL_WRAPPERS, RUNNERS
from torch import nn

from mtlplugins.common.notice import Notice

from .console.short_log import shorten_console
from .default_hooks import merge_hooks
from .guards.one_optimizer import refuse_several_optimizers
from .resume.draws import number_draws
from .resume.early_stopping import replay_scores
from .resume.find_checkpoint import FoundCheckpoint, find_checkpoint
from .resume.loops import make_resumable, refuse_no_batches
from .resume.run_settings import refuse_other_seed, refuse_unfit
from .resume.work_dir import locked, refuse_to_overwrite

_WRAPPER = "MultiTaskDistributedDataParallel"
_TIMEOUT = 600  # seconds; a collective that hangs longer ends the run


@RUNNERS.register_module()
class MultiTaskRunner(Runner):
    """MMEngine's Runner (same arguments) with exact resume, for any model and data set.

    A config may change, each by its name:

    - hooks: those of ``DEFAULT_HOOKS`` run without being named. ``default_hooks.NAME=dict(…)``
      changes one, ``None`` switches it off; ``custom_hooks`` holds only the user's own hooks.
    - training loop: ``EpochBasedTrainLoop`` and ``IterBasedTrainLoop`` become the resumable ones;
      any other type is built as it is, and resumes as exactly as it can by itself.
    - sampler and data set: any. Their draws are numbered, and each item is seeded by its number.
    - model wrapper (DDP): ``model_wrapper_cfg``; the default is ours, if the model trains tasks.
    - ``sync_bn``: "torch" by default, so that batch norms see the batch of all ranks.
    - visualizer: by default one that draws every task.
    - ``env_cfg.dist_cfg.timeout``: 600 s by default; ranks that wait for a hung rank then end.

    Fixed:

    - Training locks its work dir against other processes, and refuses to overwrite the checkpoints
      of another run.
    - ``resume=True`` continues from the newest intact checkpoint in the work dir, or from
      ``load_from`` if that is set, with the run's original seed; without any checkpoint, training
      starts. A checkpoint is read once for its checksums and unpickled once.
    - The config in the work dir is written only once the run has passed its checks.
    - Each Runner of a process has its own log folder, logger, message hub and visualizer.

    Raises:
        FileExistsError: :meth:`train` would overwrite the checkpoints of another run.
        RuntimeError: Another process is training in the work dir.
        ValueError: A hook is misnamed; the checkpoint to resume from is damaged, lacks training
            state or has another seed.
    """

    _timestamps: set[str] = set()  # of all Runners of this process

    def __init__(
        self,
        *args: Any,
        default_hooks: dict[str, Hook | dict | None] | None = None,
        custom_hooks: list[Hook | dict] | None = None,
        cfg: Config | dict | None = None,
        default_scope: str = "mmseg",
        **kwargs: Any,
    ) -> None:
        loop = kwargs.get("train_cfg")
        default_hooks, custom_hooks = merge_hooks(default_hooks, custom_hooks, loop)
        cfg = Config(copy.deepcopy(cfg or {})) if not isinstance(cfg, Config) else cfg.copy()
        cfg.setdefault("sync_bn", "torch")
        if not any(isinstance(hook, Hook) for hook in (*default_hooks.values(), *custom_hooks)):
            # recorded, so that the config in the work dir says what ran
            cfg.default_hooks = copy.deepcopy(default_hooks)
            cfg.custom_hooks = copy.deepcopy(custom_hooks)
        self._found: FoundCheckpoint | None = None
        self._saving = _checkpoint_settings(default_hooks.get("checkpoint"))
        self._accepted = False
        self._short_console = default_hooks.get("console") is not None
        super().__init__(
            *args,
            # MMEngine accepts None for its own names, which its annotation omits
            default_hooks=default_hooks,  # ty: ignore[invalid-argument-type]
            custom_hooks=custom_hooks,
            cfg=cfg,
            default_scope=default_scope,
            **kwargs,
        )

    @classmethod
    def from_cfg(cls, cfg: Config) -> MultiTaskRunner:
        """Build a runner from a config; types without a scope are looked up in mmseg's."""
        cfg = copy.deepcopy(cfg)
        cfg.setdefault("default_scope", "mmseg")
        return cast(MultiTaskRunner, super().from_cfg(cfg))

    # ---- construction that differs from MMEngine ----

    def setup_env(self, env_cfg: dict) -> None:
        """Set up the processes with a time limit, and give this Runner a unique timestamp."""
        groups = dict(env_cfg.get("dist_cfg") or {})
        groups.setdefault("timeout", _TIMEOUT)
        super().setup_env(dict(env_cfg, dist_cfg=groups))
        stamp, number = self._timestamp, 0
        while self._timestamp in self._timestamps:  # another Runner started in this second
            number += 1
            self._timestamp = f"{stamp}_{number}"
        self._timestamps.add(self._timestamp)

    def build_logger(
        self, log_level: int | str = "INFO", log_file: str | None = None, **kwargs: Any
    ) -> MMLogger:
        """Build the logger; with the hook ``console`` its console is short, its file is not."""
        logger = super().build_logger(log_level, log_file, **kwargs)
        if self._short_console:
            shorten_console(logger)
        return logger

    def build_visualizer(self, visualizer: Visualizer | dict | None = None) -> Visualizer:
        """Build a visualizer with a name unique in this process."""
        if not isinstance(visualizer, Visualizer):
            visualizer = dict(visualizer or _default_visualizer())
            name = visualizer.get("name", "visualizer")
            visualizer["name"] = f"{name}_{self._experiment_name}"
        return super().build_visualizer(visualizer)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model for DDP; a model that trains tasks gets our wrapper by default."""
        wrapper = MODEL_WRAPPERS.get(_WRAPPER)
        ours = self.distributed and wrapper is not None and hasattr(model, "trained_tasks")
        if model_wrapper_cfg is None and ours:
            model_wrapper_cfg = dict(
                type=_WRAPPER,
                broadcast_buffers=False,
                find_unused_parameters=self.cfg.get("find_unused_parameters", False),
            )
        return super().wrap_model(model_wrapper_cfg, model)

    def build_optim_wrapper(self, optim_wrapper: Any) -> OptimWrapper | OptimWrapperDict:
        """Build the optimizer wrapper; a model that trains tasks has one for all its weights."""
        refuse_several_optimizers(self.model, optim_wrapper)
        built = super().build_optim_wrapper(optim_wrapper)
        refuse_several_optimizers(self.model, built)
        return built

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build a loop that can resume within an epoch, over numbered draws."""
        if isinstance(loop, dict):
            loop = make_resumable(loop)
            self._train_dataloader = number_draws(self._train_dataloader)
        built = super().build_train_loop(loop)
        refuse_no_batches(built.dataloader)  # the schedules ask for its length
        return built

    # ---- training ----

    def train(self) -> nn.Module:
        """Train from the start, or resume a stopped run, and return the model."""
        with locked(self._folder) if is_main_process() else nullcontext():
            if not self._has_loaded:
                self._prepare()
            return super().train()

    @property
    def _folder(self) -> Path:
        """The work dir as the config spells it, if that still leads there."""
        given = self.cfg.get("work_dir")
        return Path(given if given and os.path.abspath(given) == self.work_dir else self.work_dir)

    def _prepare(self) -> None:
        """Find the checkpoint to resume from: its seed is needed before the data is built."""
        if not self._resume:
            refuse_to_overwrite(self._folder, self._saving)
            return
        if self._load_from is None:
            self._found = find_checkpoint(self._folder, self._saving)
        else:
            content = CheckpointLoader.load_checkpoint(
                self._load_from, map_location="cpu", logger=None
            )
            self._found = FoundCheckpoint(self._load_from, content)
        self._resume = self._found is not None
        if self._found is None:
            self.logger.info(Notice(f"No checkpoint in {self._folder}: the run starts."))
            return
        self._load_from = str(self._found.path)
        refuse_unfit(self._found.content, self._load_from)
        seed = self._found.content["meta"].get("seed")
        if isinstance(seed, int):
            refuse_other_seed(seed, self._randomness_cfg.get("seed"), self._folder)
            self._randomness_cfg = dict(self._randomness_cfg, seed=seed)
            self.set_randomness(**self._randomness_cfg)

    def load_or_resume(self) -> None:
        """Load or resume, then write the config: a run that gets here has passed its checks."""
        super().load_or_resume()
        if self._resume and isinstance(self._train_loop, BaseLoop):
            replay_scores(self)
            self.logger.info(Notice(f"Resumed at epoch {self.epoch}, iteration {self.iter}"))
        self._accepted = True
        self.dump_config()

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = "cpu",
        strict: bool = False,
        revise_keys: list = [(r"^module\.", "")],  # noqa: B006, as MMEngine has it
    ) -> dict:
        """Load weights; the file to resume from was read already and is not read again."""
        read, self._found = self._found, None
        if read is None:
            return super().load_checkpoint(filename, map_location, strict, revise_keys)
        self.call_hook("after_load_checkpoint", checkpoint=read.content)
        weights = read.content["state_dict"]
        renamed: OrderedDict = OrderedDict()
        for name, value in weights.items():
            for pattern, replacement in revise_keys:
                name = re.sub(pattern, replacement, name)
            renamed[name] = value
        load_state_dict(getattr(self.model, "module", self.model), renamed, strict, self.logger)
        self._has_loaded = True
        self.logger.info(Notice(f"Load checkpoint from {filename}"))
        return read.content

    def dump_config(self) -> None:
        """Write the config to the work dir, once the run has passed its checks."""
        if self._accepted:
            super().dump_config()


def _checkpoint_settings(hook: Hook | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the settings of the checkpoint hook as a config spells them."""
    if isinstance(hook, Hook):
        names = ("out_dir", "filename_tmpl")
        return {name: getattr(hook, name, None) for name in names}
    return hook or {}


def _default_visualizer() -> dict[str, Any]:
    return dict(type="MultiTaskVisualizer", vis_backends=[dict(type="LocalVisBackend")])
