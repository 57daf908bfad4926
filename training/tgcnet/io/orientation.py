"""From a file's own axes to (Z, Y, X) along LPS: which axis is which, and the way back."""

import numpy as np
from nibabel.orientations import io_orientation

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

Placement = tuple[tuple[int, int, int], tuple[bool, bool, bool]]
"""The source axes that become z, y and x, and which of them are flipped."""


def placement_in_ras(affine_ras: np.ndarray) -> Placement | None:
    """Find the source axes that run mostly along z, y and x, and whether against L, P, S.

    None where the affine is not finite, or has an axis that lies in the plane of the others.
    """
    orientation = io_orientation(affine_ras) if np.isfinite(affine_ras).all() else np.array(np.nan)
    if np.isnan(orientation).any():
        return None
    # A row per source axis: its world axis, and its sign in RAS.
    axis_of_world = {int(world): axis for axis, (world, _) in enumerate(orientation)}
    z, y, x = axis_of_world[2], axis_of_world[1], axis_of_world[0]
    # R to L and A to P are against RAS, I to S is along it.
    flips = (orientation[z, 1] < 0, orientation[y, 1] > 0, orientation[x, 1] > 0)
    return (z, y, x), (bool(flips[0]), bool(flips[1]), bool(flips[2]))


def canonical_to_source(
    axes: tuple[int, int, int], flips: tuple[bool, bool, bool], shape: tuple[int, int, int]
) -> np.ndarray:
    """(4, 4): canonical (z, y, x, 1) index to the file's own (i, j, k, 1)."""
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    for canonical, (source, is_flipped) in enumerate(zip(axes, flips, strict=True)):
        matrix[source, canonical] = -1.0 if is_flipped else 1.0
        matrix[source, 3] = shape[source] - 1 if is_flipped else 0.0
    return matrix
