"""Where a series lies in the patient: an affine from positions and orientation, to LPS axes."""

import numpy as np

from tgcnet.domain import Geometry, SideKnowledge
from tgcnet.errors import InputError
from tgcnet.io.dicom.projection import place_projection
from tgcnet.io.dicom.series import Series
from tgcnet.io.orientation import RAS_TO_LPS, canonical_to_source, placement_in_ras

TOLERANCE = 0.01
"""Of directions' lengths and right angle; decimal strings round far finer."""

_LEAST_STEP_MM = 1e-3


def geometry_of(series: Series) -> Geometry:
    """Lay out a series: its own array is (slice, row, column), in stacking order.

    Raises
    ------
    InputError
        If it has places in space and they make no grid.
    """
    return place(series)[0]


def place(series: Series) -> tuple[Geometry, tuple[str, ...]]:
    """As :func:`geometry_of`, with sentences about what was assumed or turned."""
    frames = series.frames
    has_place = [f.position is not None and len(f.orientation) == 6 for f in frames]
    if not any(has_place):
        if len({frame.file for frame in frames}) > 1:
            raise InputError(
                f"The series holds {len(frames)} pictures that have no position, expected one or "
                "a stack with positions; choose one of its files."
            )
        return place_projection(series.first, len(frames))
    if not all(has_place):
        raise InputError(
            f"{has_place.count(False)} of {len(frames)} slices have no position, expected one in "
            "each; export the series again."
        )
    affine, notices = _source_affine(series)
    placement = placement_in_ras(RAS_TO_LPS @ affine)
    if placement is None:
        raise _no_grid("its axes lie in one plane")
    axes, flips = placement
    first = series.first
    shape = (len(frames), first.rows, first.columns)
    geometry = Geometry(
        affine_lps=affine @ canonical_to_source(axes, flips, shape),
        unit="mm",
        side_knowledge=SideKnowledge.FROM_FILE,
        source_axes=axes,
        source_flips=flips,
    )
    return geometry, notices


def _source_affine(series: Series) -> tuple[np.ndarray, tuple[str, ...]]:
    """(4, 4): (slice, row, column, 1) to LPS in mm."""
    first = series.first
    along_row, along_column = _directions(first.orientation)
    spacing = first.spacing_yx
    if len(spacing) != 2 or not (np.isfinite(spacing).all() and min(spacing) > 0):
        raise _no_grid("its pixels' spacing is missing or not above 0")
    step, notices = _step(series, np.cross(along_row, along_column))
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = along_column * spacing[0]  # from row to row
    affine[:3, 2] = along_row * spacing[1]
    affine[:3, 3] = _positions(series)[0]
    return affine, notices


def _directions(orientation: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors along a row and along a column."""
    pair = np.asarray(orientation, dtype=np.float64).reshape(2, 3)
    lengths = np.linalg.norm(pair, axis=1)
    # Written so that NaN is refused, too.
    if not (np.all(np.abs(lengths - 1) < TOLERANCE) and abs(pair[0] @ pair[1]) < TOLERANCE):
        raise _no_grid("rows and columns are not at a right angle")
    pair = pair / lengths[:, None]
    return pair[0], pair[1]


def _positions(series: Series) -> np.ndarray:
    """(slices, 3) in LPS, mm."""
    positions = np.asarray([frame.position for frame in series.frames], dtype=np.float64)
    if not np.isfinite(positions).all():
        raise _no_grid("a position is no number")
    return positions


def _step(series: Series, normal: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """From slice to slice: the way from the first to the last, so that neither is displaced."""
    positions = _positions(series)
    if len(positions) > 1:
        step = (positions[-1] - positions[0]) / (len(positions) - 1)
        if not step @ normal > _LEAST_STEP_MM:
            raise _no_grid("its slices do not follow each other along the normal of their plane")
        return step, ()
    thickness = series.first.slice_thickness
    if thickness is not None and np.isfinite(thickness) and thickness > 0:
        return normal * thickness, ()
    return normal, ("The slice does not state its thickness; it is taken to be 1 mm.",)


def _no_grid(what: str) -> InputError:
    return InputError(
        f"The series makes no grid in space: {what}; export it again, or choose another series."
    )
