"""Workarounds for the OpenMMLab stack; importing the package applies them all.

Each is one function whose docstring says what breaks, since when, and what ends it. Applying them
twice changes nothing.
"""

from __future__ import annotations

from mtlplugins.compat.ops import stub_missing_ops

stub_missing_ops()  # first: what the others import may look for the operators

from mtlplugins.compat.checkpoints import allow_training_state, load_weights_only  # noqa: E402
from mtlplugins.compat.config_paths import find_packages_without_pkg_resources  # noqa: E402
from mtlplugins.compat.processes import start_processes_on_cpu, wrap_models_on_cpu  # noqa: E402

allow_training_state()
load_weights_only()
find_packages_without_pkg_resources()
start_processes_on_cpu()
wrap_models_on_cpu()
