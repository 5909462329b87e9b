"""Matching of the pixels of two edge maps, one to one."""

from __future__ import annotations

from math import hypot

import numpy as np


def matched(found: np.ndarray, truth: np.ndarray, max_distance: float) -> int:
    """Count the pairs of edge pixels of two maps, each pixel in one pair at most.

    The largest number of pairs whose pixels are at most ``max_distance`` apart, as a matching in a
    bipartite graph. The Berkeley benchmark (Martin et al. 2004, doi:10.1109/TPAMI.2004.1273918)
    assigns pixels at the lowest cost, in which a pixel without partner costs 100 times
    ``max_distance``, so that its number of pairs is the same, but for its approximation of the cost
    by a few neighbours of each pixel.

    Args:
        found: Boolean (H, W), predicted edges.
        truth: Boolean (H, W), true edges.
        max_distance: Share of the diagonal of the image.

    Returns:
        The number of pairs.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    numbers = np.full(truth.shape, -1)
    true_count = int(truth.sum())
    numbers[truth] = np.arange(true_count)
    rows, columns = np.nonzero(found)
    if not len(rows) or not true_count:
        return 0
    reach = max_distance * hypot(*truth.shape)
    span = int(reach)
    near = np.mgrid[-span : span + 1, -span : span + 1].reshape(2, -1).T
    near = near[np.hypot(*near.T) <= reach]
    padded = np.pad(numbers, span, constant_values=-1)
    start, end = [], []
    for down, right in near:
        partners = padded[rows + span + down, columns + span + right]
        pairs = np.nonzero(partners >= 0)[0]
        start.append(pairs)
        end.append(partners[pairs])
    links = np.concatenate(start), np.concatenate(end)
    graph = csr_matrix((np.ones(len(links[0]), np.int8), links), (len(rows), true_count))
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())
