"""From probabilities on the image's own grid to labels."""

import numpy as np
from scipy import ndimage

from tgcnet.config import PostprocessConfig
from tgcnet.errors import InputError

_WITH_DIAGONALS = np.ones((3, 3), dtype=bool)
_MAX_CLASSES = 255  # labels are uint8 and 0 is the background


def to_labels(
    probability: np.ndarray, config: PostprocessConfig, *, side_px: int = 224
) -> np.ndarray:
    """Label each voxel with the class of the larger probability, where it reaches the threshold.

    Regions smaller than ``config.min_region_px`` are dropped slice by slice. That number counts
    pixels of the model's square grid; on the image it is scaled by area. A region is
    connected foreground, diagonals included, of any class: a small consolidation inside a large
    ground-glass opacity is not dropped.

    Parameters
    ----------
    probability : (C, Z, Y, X), float, in [0, 1]; NaN counts as background
    side_px : side of the model's square grid

    Returns
    -------
    (Z, Y, X) uint8; class index + 1, 0 below the threshold

    Raises
    ------
    InputError
        If ``probability`` has other axes or more than 255 classes.
    """
    if probability.ndim != 4 or not 1 <= probability.shape[0] <= _MAX_CLASSES:
        raise InputError(
            f"Probabilities have the shape {probability.shape}, expected (classes, slices, rows, "
            f"columns) with 1 to {_MAX_CLASSES} classes; add the missing axis."
        )
    labels = _winners(probability, config.threshold)
    if config.min_region_px > 0:
        longer_side = max(labels.shape[1:])
        min_area = config.min_region_px * (longer_side / side_px) ** 2
        for plane in labels:
            _drop_small_regions(plane, min_area)
    return labels


def _winners(probability: np.ndarray, threshold: float) -> np.ndarray:
    # A running maximum, class by class: argmax over a stack would need several copies of it.
    best = probability[0]
    labels: np.ndarray = (best >= threshold).astype(np.uint8)
    for index, candidate in enumerate(probability[1:], start=2):
        wins = (candidate > best) | (np.isnan(best) & ~np.isnan(candidate))
        best = np.where(wins, candidate, best)
        labels[wins & (candidate >= threshold)] = index
    return labels


def _drop_small_regions(plane: np.ndarray, min_area: float) -> None:
    """Clear regions of ``plane`` (Y, X) below ``min_area`` pixels, in place."""
    if not plane.any():
        return
    regions, _ = ndimage.label(plane, structure=_WITH_DIAGONALS)
    is_small: np.ndarray = np.bincount(regions.ravel()) < min_area
    is_small[0] = False
    plane[is_small[regions]] = 0
