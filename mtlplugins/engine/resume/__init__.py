"""Exact resume: crash-safe checkpoints, loops that continue mid-epoch, seeding per step."""

from .check_resume_hook import CheckResumeHook
from .loops import ResumableEpochLoop, ResumableIterLoop
from .safe_checkpoint_hook import SafeCheckpointHook
from .step_seed_hook import StepSeedHook
from .stop_signal_hook import StopSignalHook

__all__ = [
    "CheckResumeHook",
    "ResumableEpochLoop",
    "ResumableIterLoop",
    "SafeCheckpointHook",
    "StepSeedHook",
    "StopSignalHook",
]
