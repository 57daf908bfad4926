"""Where a series lies in the patient: an affine from positions and orientation, to LPS axes.

A radiograph has no position in space: of it, only which edge is which.
"""

import numpy as np

from tgcnet.domain import Geometry, SideKnowledge
from tgcnet.errors import InputError
from tgcnet.io.dicom.series import FrameHeader, Series
from tgcnet.io.orientation import RAS_TO_LPS, canonical_to_source, grid_affine, placement_in_ras

Axes = tuple[int, int, int]
Flips = tuple[bool, bool, bool]

TOLERANCE = 0.01
"""Of directions' lengths and right angle; decimal strings round far finer."""

_LEAST_STEP_MM = 1e-3

_TOWARDS = {"L": ("x", False), "R": ("x", True), "F": ("y", False), "H": ("y", True),
            "P": ("y", False), "A": ("y", True)}  # fmt: skip
_LATERAL_VIEWS = ("LL", "RL", "LLD", "RLD", "LATERAL")


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


def place_projection(header: FrameHeader, num_frames: int) -> tuple[Geometry, tuple[str, ...]]:
    """Lay out a picture as radiologists see it: the patient's left on its right, feet below.

    Returns
    -------
    The geometry, and sentences about what was assumed or turned
    """
    axes, flips, knowledge, notices = _picture_axes(header)
    spacing, unit, spacing_notices = _picture_spacing(header, num_frames)
    by_axis = (1.0, *spacing)
    placed = (by_axis[axes[0]], by_axis[axes[1]], by_axis[axes[2]])
    geometry = Geometry(
        affine_lps=grid_affine(placed),
        unit=unit,
        side_knowledge=knowledge,
        source_axes=axes,
        source_flips=flips,
    )
    return geometry, (*notices, *spacing_notices)


def _picture_axes(header: FrameHeader) -> tuple[Axes, Flips, SideKnowledge, tuple[str, ...]]:
    """Decide by the letters of the rows' and the columns' directions (PS3.3, C.7.6.1.1.1)."""
    straight: tuple[Axes, Flips] = ((0, 1, 2), (False, False, False))
    letters = [text[:1].upper() for text in header.patient_orientation]
    known = [_TOWARDS.get(letter) for letter in letters]
    row, column = known if len(known) == 2 else (None, None)
    if row is None or column is None:
        if header.view_position.upper() in _LATERAL_VIEWS:
            return *straight, SideKnowledge.UNKNOWN, (_SIDE_VIEW,)
        return *straight, SideKnowledge.ASSUMED, (_ASSUMED,)
    if {row[0], column[0]} != {"x", "y"}:
        return *straight, SideKnowledge.UNKNOWN, (_SIDE_VIEW,)
    is_turned = row[0] == "y"
    across, down = (column, row) if is_turned else (row, column)
    axes: Axes = (0, 2, 1) if is_turned else (0, 1, 2)
    notices = []
    if is_turned:
        notices.append("The picture is stored lying on its side; it is turned upright.")
    if across[1]:
        notices.append(
            "The picture is stored mirrored, with the patient's left on its left; it is flipped, "
            "so that the patient's left is on the right as usual."
        )
    if down[1]:
        notices.append("The picture is stored upside down; it is flipped.")
    return axes, (False, down[1], across[1]), SideKnowledge.FROM_FILE, tuple(notices)


def _picture_spacing(
    header: FrameHeader, num_frames: int
) -> tuple[tuple[float, float], str, tuple[str, ...]]:
    """Millimetres between rows and between columns where the file has them, and its unit."""
    notices = []
    if num_frames > 1:
        notices.append(
            f"The file does not say how far apart its {num_frames} frames lie; they are stacked "
            "one unit apart."
        )
    spacing = header.spacing_yx
    if len(spacing) != 2 or not min(spacing) > 0:
        notices.append("The file does not state its pixels' spacing; lengths are in pixels.")
        return (1.0, 1.0), "pixel", tuple(notices)
    if header.is_spacing_at_detector:
        notices.append(
            "Spacing is that at the detector: lengths are not corrected for magnification."
        )
    return (spacing[0], spacing[1]), "mm", tuple(notices)


_ASSUMED = (
    "The file does not say which side is which; the patient's left is taken to be on the right "
    "of the picture, as in the usual radiological view."
)
_SIDE_VIEW = "The picture is a view from the side: it has no left and right."
