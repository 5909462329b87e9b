"""F-measure of edges, of the best threshold for the data set and for each image."""

from __future__ import annotations

import importlib.util

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mtlplugins.common.thinning import thin
from mtlplugins.kinds import part_of_kind

from .edge_matching import matched
from .mask_metric import check_mask
from .task_metric import TaskMetric


@METRICS.register_module()
@part_of_kind("edges", "metric")
class MultiTaskEdgesMetric(TaskMetric):
    """Match predicted with true edges, in percent, as the Berkeley benchmark does.

    For each threshold the pixels whose probability reaches it are thinned to lines and matched one
    to one with true edge pixels within ``max_distance`` (:func:`matched`). Precision is matched /
    predicted, recall matched / true, F their harmonic mean; counts are pooled over the images.

    ==== =======================================================================================
    name meaning
    ==== =======================================================================================
    odsF the largest F of one threshold for all images (optimal data-set scale)
    oisF F of each image's best threshold (optimal image scale)
    ==== =======================================================================================

    Edges next to pixels without ground truth are scored as others; predictions there are removed.
    Predictions are not suppressed where they are no local maximum before they are thinned. The
    multi-task papers use the SEISM tool (MATLAB) with 99 thresholds, which does not thin:
    ``thin_edges=False``. An image of 480 x 640 pixels takes about 0.2 s a threshold.

    Args:
        task: Name of the task; ``gt_<task>`` holds ``data`` (1, H, W) of 0, 1 and 255 (not scored),
            ``pred_<task>`` probabilities.
        max_distance: Share of the image's diagonal within which pixels match: 0.0075 (BSDS,
            PASCAL-Context), 0.011 (NYU Depth V2).
        num_thresholds: Thresholds k / (n + 1) for k from 1 to n. 99 for results of papers, fewer
            for validations during a training; more thresholds never lower the scores of the same
            ones.
        thin_edges: Whether to thin predictions.

    Raises:
        ImportError: SciPy is missing.
        ValueError: An argument is out of range. The maps differ in size, the ground truth has other
            values, or a prediction is outside 0 … 1 or NaN.
    """

    names = ("odsF", "oisF")
    higher_is_better = dict.fromkeys(names, True)

    def __init__(
        self,
        task: str,
        *,
        max_distance: float = 0.0075,
        num_thresholds: int = 9,
        thin_edges: bool = True,
    ) -> None:
        super().__init__(task)
        if not 0 < max_distance < 0.1 or num_thresholds < 1:
            raise ValueError(
                f"task '{task}': max_distance={max_distance}, num_thresholds={num_thresholds}: "
                "give a share of the image's diagonal such as 0.0075, and 1 threshold or more"
            )
        if importlib.util.find_spec("scipy") is None:
            raise ImportError("MultiTaskEdgesMetric needs scipy: pip install 'mtlplugins[formats]'")
        self.max_distance = max_distance
        self.thin_edges = thin_edges
        self.thresholds = [k / (num_thresholds + 1) for k in range(1, num_thresholds + 1)]

    @property
    def num_sums(self) -> int:
        """Length of the vector: images; matched, predicted, true by threshold and of the best."""
        return 1 + 3 * (len(self.thresholds) + 1)

    def score(self, target: dict[str, Tensor], prediction: dict[str, Tensor]) -> Tensor:
        """Return 1 and the counts (thresholds + 1, 3) of an image."""
        truth, shares = target["data"], prediction["data"].float()
        check_mask(truth, shares)
        known = (truth != 255)[0].numpy()
        if not known.any():
            return torch.zeros(self.num_sums, dtype=torch.float64)
        true, shares = (truth[0] == 1).numpy(), shares[0].numpy()
        rows = []
        for threshold in self.thresholds:
            found = (shares >= threshold) & known
            found = thin(found) if self.thin_edges else found
            rows.append([matched(found, true, self.max_distance), found.sum(), true.sum()])
        counts = torch.tensor(rows, dtype=torch.float64)
        best = counts[_f(counts).argmax()]
        return torch.cat([torch.ones(1).double(), counts.flatten(), best])

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Apply the formulas to the sums."""
        f = _f(results[1:].view(-1, 3))
        return dict(odsF=100 * float(f[:-1].max()), oisF=100 * float(f[-1]))


def _f(counts: Tensor) -> Tensor:
    """Compute F = 2 matched / (predicted + true) of counts (n, 3); 0 of nothing."""
    both, predicted, true = counts.T
    return 2 * both / (predicted + true).clamp(min=1)
