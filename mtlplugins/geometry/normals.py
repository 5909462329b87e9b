"""Surface normals from depth, by planes fitted to windows of several positions and sizes.

The points P = Z (u, v, 1) of a plane m · P = 1, with u and v the normalised image coordinates,
satisfy 1/Z = m · (u, v, 1): inverse depth is linear in the image, and -m/|m| is the normal that
faces the camera. A plane fit is thus a linear regression, computed for all windows at once by
separable filters, and exact if the window sees one plane. Least squares in inverse depth also suit
cameras that triangulate, whose error is uniform in inverse depth.

A pixel lies in many windows: centred on it or beside it, of sizes that double. Its normal is the
weighted mean of their planes; the weights fall steeply with a window's expected error, and windows
that span an edge, or whose plane misses the pixel, are left out. Large windows therefore dominate
on flat walls, where steps of coarse depth must be averaged out; beside an edge or a crease, the
windows on the pixel's own side do (as in the filter of Kuwahara et al. 1976).
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import cv2
import numpy as np

RADIUS = 4  # of a window, in pixels of its pyramid level: 9 x 9
OFFSETS = tuple(product((-RADIUS, 0, RADIUS), repeat=2))  # of the windows around a pixel
MIN_SHARE = 0.5  # of a window's pixels that must have depth
TOLERANCE = 3.0  # standard deviations by which a window or a pixel may miss its plane
RESOLUTION = 1e-3  # relative; precision of float32 that remains after subtracting squares
MIN_ERROR = 1e-3  # radians; lower errors are clamped to it, which keeps the weights finite


class Intrinsics(NamedTuple):
    """A pinhole camera, in pixels; the centre of the first pixel is at (0.5, 0.5).

    Attributes:
        fx: Focal length along x.
        fy: Focal length along y.
        cx: Principal point from the left edge.
        cy: Principal point from the upper edge.
    """

    fx: float
    fy: float
    cx: float
    cy: float

    def scaled(self, along_x: float, along_y: float) -> Intrinsics:
        """Return the camera of the image resized by these factors."""
        return Intrinsics(
            self.fx * along_x, self.fy * along_y, self.cx * along_x, self.cy * along_y
        )


def normals_from_depth(
    depth: np.ndarray,
    intrinsics: Intrinsics,
    *,
    noise: float,
    step: float = 0.0,
    levels: int = 4,
) -> np.ndarray:
    """Compute the normal of the surface at each pixel.

    Args:
        depth: (H, W) metres along the optical axis; missing where 0 or not finite.
        intrinsics: The camera of this image.
        noise: Standard deviation of a pixel's inverse depth in 1/metres, > 0.
        step: Metres between the values that depth is rounded to. Its share of the error is taken
            as common to neighbouring pixels, so it is not averaged out by their number.
        levels: Sizes of windows: 9, 18, ... 9 · 2^(levels - 1) pixels.

    Returns:
        float32 (H, W, 3) in the camera frame (x right, y down, z forward), of unit length, towards
        the camera; 0 where undefined: depth is missing, or the pixel lies on no plane, as on the
        edges of thin things.

    Raises:
        ValueError: Depth is not (H, W), or ``noise`` is not positive.
    """
    if depth.ndim != 2:
        raise ValueError(f"normals_from_depth: depth must be (H, W), got {depth.shape}")
    if not noise > 0:
        raise ValueError(f"normals_from_depth: noise={noise} must be positive (1/metres)")
    valid = np.isfinite(depth) & (depth > 0)
    inverse = np.zeros(depth.shape, np.float32)
    np.divide(1, depth, out=inverse, where=valid)
    # rounding error, uniform within a step: variance step²/12, and d(1/Z) = -dZ/Z²
    common = np.float32(step**2 / 12) * inverse**4 + (RESOLUTION * inverse) ** 2
    pyramid = [(inverse, valid.astype(np.float32), common)]
    for _ in range(levels - 1):
        inverse, valid, common = map(_halve, pyramid[-1])
        whole = (valid == 1).astype(np.float32)  # a partial mean is not the value at the middle
        pyramid.append((inverse * whole, whole, common))
    planes = None
    for level in reversed(range(levels)):
        camera = intrinsics.scaled(0.5**level, 0.5**level)
        # a mean of four only halves the variance here: errors of neighbours are correlated
        planes = _mean_planes(*pyramid[level], noise**2 / 2**level, camera, planes)
    assert planes is not None  # there is at least one level
    normals = -planes[..., :3]
    length = np.sqrt(np.einsum("hwc,hwc->hw", normals, normals))
    return np.divide(
        normals, length[..., None], out=np.zeros_like(normals), where=length[..., None] > 0
    )


def _halve(values: np.ndarray) -> np.ndarray:
    """Average blocks of 2 x 2; an odd last row or column is padded with 0."""
    height, width = values.shape
    even = cv2.copyMakeBorder(values, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT)
    return (even[::2, ::2] + even[::2, 1::2] + even[1::2, ::2] + even[1::2, 1::2]) / 4


def _mean_planes(
    inverse: np.ndarray,
    valid: np.ndarray,
    common: np.ndarray,
    own: float,
    camera: Intrinsics,
    coarser: np.ndarray | None,
) -> np.ndarray:
    """Add the planes of this level's windows to those of coarser levels.

    Args:
        inverse: (H, W) inverse depth, 0 where not valid.
        valid: (H, W) 1 or 0.
        common: (H, W) variance of inverse depth that neighbouring pixels share.
        own: The rest of its variance.
        camera: Camera of this level.
        coarser: The result of the level above, of half the size.

    Returns:
        (H, W, 4): sums of weight · (m, 1) over the windows that fit the pixel.
    """
    height, width = inverse.shape
    middle, along_x, along_y, weight = _fit(inverse, valid, common, own, camera)
    u = ((np.arange(width, dtype=np.float32) + 0.5 - camera.cx) / camera.fx)[None]
    v = ((np.arange(height, dtype=np.float32) + 0.5 - camera.cy) / camera.fy)[:, None]
    m1, m2 = along_x * camera.fx, along_y * camera.fy  # per unit of u and v
    planes = np.dstack([m1, m2, middle - m1 * u - m2 * v, np.ones_like(m1)]) * weight[..., None]
    usable = weight > 0
    allowed = TOLERANCE * np.sqrt(common + np.float32(own))
    sums = np.zeros_like(planes)
    if coarser is not None:
        finer = cv2.resize(coarser, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        finer = finer[:height, :width]
        total = np.maximum(finer[..., 3], np.finfo(np.float32).tiny)
        value = (finer[..., 0] * u + finer[..., 1] * v + finer[..., 2]) / total
        fits = (np.abs(value - inverse) <= allowed) & (valid > 0)
        cv2.accumulate(finer, sums, fits.view(np.uint8))
    for down, right in OFFSETS:
        pixel = _shifted(height, -down), _shifted(width, -right)
        window = _shifted(height, down), _shifted(width, right)
        value = middle[window] - down * along_y[window]
        value -= right * along_x[window]
        value -= inverse[pixel]
        fits = np.abs(value, out=value) <= allowed[pixel]
        fits &= usable[window]
        part = sums[pixel]
        cv2.accumulate(planes[window], part, fits.view(np.uint8))
    sums[valid == 0] = 0
    return sums


def _shifted(length: int, by: int) -> slice:
    """Return the indices below ``length`` that are reached from another by adding ``by``."""
    return slice(max(0, by), max(0, length + min(0, by)))


def _fit(
    inverse: np.ndarray, valid: np.ndarray, common: np.ndarray, own: float, camera: Intrinsics
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fit inverse depth linearly in the window around each pixel.

    Returns:
        (H, W) each: the value at the window's middle, the slopes per pixel along x and y, and the
        weight, 0 where the fit cannot be used.
    """
    ones = np.ones(2 * RADIUS + 1, np.float32)
    line = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
    square = line * line

    def sums(values: np.ndarray, along_x: np.ndarray, along_y: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(values, -1, along_x, along_y, borderType=cv2.BORDER_CONSTANT)

    count = sums(valid, ones, ones)
    share = 1 / np.maximum(count, 1)
    x, y = sums(valid, line, ones) * share, sums(valid, ones, line) * share
    xx = sums(valid, square, ones) * share - x * x
    xy = sums(valid, line, line) * share - x * y
    yy = sums(valid, ones, square) * share - y * y
    mean = sums(inverse, ones, ones) * share
    x_inverse = sums(inverse, line, ones) * share - x * mean
    y_inverse = sums(inverse, ones, line) * share - y * mean
    spread = sums(inverse * inverse, ones, ones) * share - mean * mean
    det = np.maximum(xx * yy - xy * xy, np.float32(1e-3))
    slope_x = (yy * x_inverse - xy * y_inverse) / det
    slope_y = (xx * y_inverse - xy * x_inverse) / det
    residual = spread - slope_x * x_inverse - slope_y * y_inverse
    common = sums(common * valid, ones, ones) * share
    expected = common + np.float32(own)
    # Error of the slopes: about (deviation from a plane + noise) / extent, where xx + yy > the
    # extent's smaller axis² > det / (xx + yy); error of the angle: that over |m|, approximated by
    # the mean. Residuals below the expected ones are luck: rounded depth is flat between two steps.
    error = np.maximum(residual - expected, 0) + common + np.float32(own / ones.size)
    error *= (xx + yy) / det * np.float32(camera.fx * camera.fy)
    error /= np.maximum(mean * mean, np.float32(1e-12))
    weight = np.maximum(error, np.float32(MIN_ERROR**2)) ** -4
    weight[(count < MIN_SHARE * ones.size**2) | (residual > TOLERANCE**2 * expected)] = 0
    return mean - slope_x * x - slope_y * y, slope_x, slope_y, weight
