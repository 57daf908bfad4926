"""Where in the chest a mask lies, by the patient's sides, and how to cut it by side and zone.

All of it in the radiological view: the patient's right is on the image's left. Without a lung mask
the zones are fixed shares of the square image, read off where the lesions of the captions of
QaTa-COV19's training set begin and end (``docs/decisions``); they are approximate and only used to
make training requests.
"""

import numpy as np
from scipy import ndimage

from tgcnet.domain import Side

XRAY_ZONES = {"upper": (0.0, 0.34), "middle": (0.34, 0.53), "lower": (0.53, 1.0)}
CT_ZONES = {"anterior": (0.0, 0.5), "posterior": (0.5, 1.0)}
# A component with less than this share on the far side of the midline belongs to the near side.
_STRADDLING_SHARE = 0.25
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def components(mask: np.ndarray) -> list[np.ndarray]:
    """The 8-connected regions of a (Y, X) bool mask, largest first, each as a bool mask."""
    labels, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    found = [labels == index for index in range(1, count + 1)]
    return sorted(found, key=np.count_nonzero, reverse=True)


def split_by_side(mask: np.ndarray) -> dict[Side, np.ndarray]:
    """The patient's right and left share of a (Y, X) bool mask, in the radiological view.

    A region belongs whole to the side where it lies; one that straddles the midline with a
    quarter or more on either side is cut there.
    """
    right_half = np.zeros_like(mask)
    right_half[:, : mask.shape[1] // 2] = True
    right, left = np.zeros_like(mask), np.zeros_like(mask)
    for region in components(mask):
        share_right = np.count_nonzero(region & right_half) / np.count_nonzero(region)
        if share_right > 1 - _STRADDLING_SHARE:
            right |= region
        elif share_right < _STRADDLING_SHARE:
            left |= region
        else:
            right |= region & right_half
            left |= region & ~right_half
    return {Side.RIGHT: right, Side.LEFT: left}


def split_by_zone(mask: np.ndarray, zones: dict[str, tuple[float, float]]) -> dict[str, np.ndarray]:
    """A (Y, X) bool mask cut into horizontal bands; empty bands are left out."""
    height = mask.shape[0]
    bands: dict[str, np.ndarray] = {}
    for name, (top, bottom) in zones.items():
        rows = slice(round(top * height), round(bottom * height))
        band = np.zeros_like(mask)
        band[rows] = mask[rows]
        if band.any():
            bands[name] = band
    return bands
