"""From a file's own axes to (Z, Y, X) along LPS and back."""

import numpy as np
from nibabel.orientations import io_orientation

from tgcnet.domain import Geometry

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


def to_canonical(
    source: np.ndarray, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> np.ndarray:
    """From the file's axes to (Z, Y, X): transpose, then flip; contiguous."""
    return np.ascontiguousarray(np.flip(source.transpose(axes), _marked(flips)))


def to_source(array: np.ndarray, geometry: Geometry) -> np.ndarray:
    """From (Z, Y, X) back to the file's axes, the exact inverse of :func:`to_canonical`."""
    flipped = np.flip(array, _marked(geometry.source_flips))
    return np.ascontiguousarray(flipped.transpose(np.argsort(geometry.source_axes)))


def _marked(flips: tuple[bool, bool, bool]) -> tuple[int, ...]:
    return tuple(axis for axis, is_flipped in enumerate(flips) if is_flipped)


def grid_affine(spacing_zyx: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """(4, 4) affine of a file that states no orientation, from (z, y, x) index to LPS.

    Columns run to the patient's left as in the radiological view. Rows are called posterior and
    slices superior, which is right for axial slices; a radiograph has no third direction to
    get wrong, and the array keeps one order everywhere.
    """
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing_zyx
    affine[3, 3] = 1.0
    return affine
