"""Phantom masks: blobs whose place is known."""

from collections.abc import Callable

import numpy as np
import pytest

Blob = tuple[slice, slice]
# In the radiological view the patient's right lung is on the image's left.
RIGHT_LOWER: Blob = (slice(40, 58), slice(8, 24))
LEFT_LOWER: Blob = (slice(42, 56), slice(42, 56))
LEFT_UPPER: Blob = (slice(6, 16), slice(42, 56))


@pytest.fixture
def paint() -> Callable[..., np.ndarray]:
    """A (64, 64) bool mask with the blobs given."""

    def paint_blobs(*blobs: Blob) -> np.ndarray:
        mask = np.zeros((64, 64), dtype=bool)
        for blob in blobs:
            mask[blob] = True
        return mask

    return paint_blobs


@pytest.fixture
def both_sides(paint: Callable[..., np.ndarray]) -> np.ndarray:
    """A lesion in the right lower zone, and two in the left lung."""
    return paint(RIGHT_LOWER, LEFT_LOWER, LEFT_UPPER)
