"""Workarounds for OpenMMLab packages and PyTorch; importing this package applies them all.

Each one is a function whose docstring says what breaks, since when, and what ends it. Applying it
twice changes nothing.
"""

from __future__ import annotations

from .ops import stub_missing_ops

stub_missing_ops()  # first: imports of the others may need the operators

from .checkpoint_files import check_before_loading, save_atomically  # noqa: E402
from .checkpoints import allow_training_state, load_weights_only  # noqa: E402
from .config_paths import (  # noqa: E402
    find_configs_of_this_package,
    find_packages_without_pkg_resources,
)
from .config_text import (  # noqa: E402
    read_configs_with_bases_as_text,
    write_every_key_and_number,
)
from .layer_decay import decay_rates_by_layers_of_any_encoder  # noqa: E402
from .mlflow import write_mlflow_files  # noqa: E402
from .mmseg_inferencer import predict_by_mmseg_inferencer  # noqa: E402
from .moved_modules import find_moved_modules  # noqa: E402
from .one_cycle import explain_short_cycles  # noqa: E402
from .options import explain_wrong_options  # noqa: E402
from .param_schedulers import keep_ratios_of_groups  # noqa: E402
from .processes import (  # noqa: E402
    allow_ddp_on_cpu,
    explain_missing_launch,
    init_gloo_on_cpu,
)
from .runner_type import build_named_runners  # noqa: E402
from .single_values import allow_single_values  # noqa: E402
from .sync_batch_norm import allow_sync_batch_norm_on_cpu, keep_activations_of_timm  # noqa: E402
from .timm_weights import defer_timm_downloads  # noqa: E402
from .workers import ignore_signals_in_workers  # noqa: E402

allow_training_state()
load_weights_only()
check_before_loading()
save_atomically()
find_packages_without_pkg_resources()
find_configs_of_this_package()
read_configs_with_bases_as_text()
write_every_key_and_number()
explain_short_cycles()
keep_ratios_of_groups()
decay_rates_by_layers_of_any_encoder()
find_moved_modules()
explain_wrong_options()
build_named_runners()
init_gloo_on_cpu()
explain_missing_launch()
allow_sync_batch_norm_on_cpu()
keep_activations_of_timm()
allow_single_values()
allow_ddp_on_cpu()
defer_timm_downloads()
ignore_signals_in_workers()
predict_by_mmseg_inferencer()
write_mlflow_files()
