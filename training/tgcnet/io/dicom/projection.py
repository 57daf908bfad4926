"""Radiographs and other pictures without a place in space: which edge is which."""

from tgcnet.domain import Geometry, SideKnowledge
from tgcnet.io.decoded import grid_affine
from tgcnet.io.dicom.header import FrameHeader

_TOWARDS = {"L": ("x", False), "R": ("x", True), "F": ("y", False), "H": ("y", True),
            "P": ("y", False), "A": ("y", True)}  # fmt: skip
_LATERAL_VIEWS = ("LL", "RL", "LLD", "RLD", "LATERAL")

Axes = tuple[int, int, int]
Flips = tuple[bool, bool, bool]


def place_projection(header: FrameHeader, num_frames: int) -> tuple[Geometry, tuple[str, ...]]:
    """Lay out a picture as radiologists see it: the patient's left on its right, feet below.

    Returns
    -------
    The geometry, and sentences about what was assumed or turned
    """
    axes, flips, knowledge, notices = _directions(header)
    spacing, unit, told = _spacing(header, num_frames)
    by_axis = (1.0, *spacing)
    placed = (by_axis[axes[0]], by_axis[axes[1]], by_axis[axes[2]])
    geometry = Geometry(
        affine_lps=grid_affine(placed),
        unit=unit,
        side_knowledge=knowledge,
        source_axes=axes,
        source_flips=flips,
    )
    return geometry, (*notices, *told)


def _directions(header: FrameHeader) -> tuple[Axes, Flips, SideKnowledge, tuple[str, ...]]:
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


def _spacing(
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
