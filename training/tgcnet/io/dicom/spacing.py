"""Faults of a stack's places and numbers: what is missing, twice, shifted, tilted or uneven.

Frames come in stacking order. Tolerances are lengths in millimetres or shares of a step, each with
its reason; what they let pass is no larger than the rounding that scanners do.
"""

from collections.abc import Sequence, Set
from itertools import pairwise

import numpy as np

from tgcnet.io.dicom.series import FrameHeader, Remark, Severity, notice, warning

MAX_TILT_DEGREES = 0.1
"""Gantries are tilted by whole degrees; 0.1 shears a chest of 300 mm by half a pixel."""

SAME_PLACE_MM = 0.01
"""Positions that differ by less are the same: the last digit that scanners write."""

MAX_SHIFT_MM = 0.1
"""A slice beside the line of the others, in its plane: a seventh of a pixel of a chest CT."""

MAX_SHIFT_PER_MM = 1e-3
"""The same, over the length of a stack, for directions that are rounded to three digits."""

MAX_UNEVEN = 0.1
"""Of a step. Positions that jitter by 2 % change a step by 4 %, at the tail of a bell curve by
9 %; a missing or an extra slice changes it by 50 % or more."""

MAX_OFF_GRID = 0.2
"""Of a step, between a slice and its place on an even grid: small errors must not add up."""

TOLD_UNEVEN = 0.005
TOLD_UNEVEN_MM = 0.021
"""Steps uneven by more than both are told. Positions rounded to 0.01 mm make steps differ by as
much as 0.02 mm."""


def plane_normal(frame: FrameHeader) -> np.ndarray:
    """(3,) direction across the plane, rows x columns; ``frame`` has an orientation."""
    return np.cross(np.array(frame.orientation[:3]), np.array(frame.orientation[3:]))


def distances(frames: Sequence[FrameHeader]) -> np.ndarray:
    """(N,) mm along the first frame's normal; every frame has a position."""
    along: np.ndarray = _positions(frames) @ plane_normal(frames[0])
    return along


def spacing_remarks(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Tell what is amiss with the places of two or more frames of one orientation."""
    along = distances(frames)
    steps = np.diff(along)
    # The lower of the two middle ones: with two steps, a missing slice makes one twice the other.
    step = float(np.sort(steps)[(len(steps) - 1) // 2])
    tilted = _tilt(frames, along)
    if tilted:
        return tilted
    repeated = steps < max(SAME_PLACE_MM, MAX_UNEVEN * step)
    if repeated.any():
        return [_repeated(along, repeated)]
    ratios = steps / step
    # A whole number of steps, to within what each of them may be off.
    holes = (ratios > 1.5) & (np.abs(ratios - np.round(ratios)) <= MAX_UNEVEN * np.round(ratios))
    uneven = np.abs(ratios - 1) > MAX_UNEVEN
    if holes.any() and not (uneven & ~holes).any():
        return [_missing(along, steps, step, holes)]
    even = np.linspace(along[0], along[-1], len(along))
    even_step = float(even[1] - even[0])
    if uneven.any() or float(np.abs(along - even).max()) > MAX_OFF_GRID * even_step:
        return [
            Remark(
                severity=Severity.REFUSED,
                code="non-uniform-spacing",
                sentence=(
                    f"The slices are {steps.min():.2f} to {steps.max():.2f} mm apart, expected "
                    f"one distance to within {MAX_UNEVEN:.0%}; resample the series to even slices "
                    "first."
                ),
            )
        ]
    return _harmless(frames, steps, even_step)


def _tilt(frames: Sequence[FrameHeader], along: np.ndarray) -> list[Remark]:
    stated = max(frames, key=lambda frame: abs(frame.gantry_tilt)).gantry_tilt
    places = _positions(frames) - _positions(frames)[0]
    normal = plane_normal(frames[0])
    beside = places - np.outer(along - along[0], normal)  # (N, 3), within the planes
    extent = float(along[-1] - along[0])
    allowed = MAX_SHIFT_MM + MAX_SHIFT_PER_MM * extent
    farthest = float(np.linalg.norm(beside, axis=1).max())
    if farthest > allowed and not _is_line(beside, along, allowed):
        return [
            Remark(
                severity=Severity.REFUSED,
                code="shifted-slices",
                sentence=(
                    f"Slices lie up to {farthest:.1f} mm beside the line of the others, expected "
                    f"at most {allowed:.1f} mm; export the series again, or resample it first."
                ),
            )
        ]
    if farthest <= allowed and abs(stated) <= MAX_TILT_DEGREES:
        return []
    drift = float(np.degrees(np.arctan2(farthest, extent))) if extent else 0.0
    angle = max(abs(stated), drift)
    return [
        Remark(
            severity=Severity.REFUSED,
            code="gantry-tilt",
            sentence=(
                f"The gantry was tilted by {angle:.1f} degrees, expected slices stacked straight "
                "above each other; resample first, to slices without tilt."
            ),
        )
    ]


def _is_line(beside: np.ndarray, along: np.ndarray, allowed: float) -> bool:
    """Whether the slices drift evenly: those of a tilted gantry lie on a line."""
    extent = along[-1] - along[0]
    if extent < SAME_PLACE_MM:
        return False
    line = np.outer((along - along[0]) / extent, beside[-1])
    return float(np.linalg.norm(beside - line, axis=1).max()) <= allowed


def _repeated(along: np.ndarray, repeated: np.ndarray) -> Remark:
    first = int(np.flatnonzero(repeated)[0])
    return Remark(
        severity=Severity.REFUSED,
        code="duplicate-slice",
        sentence=(
            f"{_count(int(repeated.sum()), 'place')} of the stack "
            f"{'holds' if repeated.sum() == 1 else 'hold'} more than one slice, with different "
            f"pixels, the first at {along[first]:.2f} mm; expected one slice at each place; export "
            "one reconstruction or phase alone."
        ),
    )


def _missing(along: np.ndarray, steps: np.ndarray, step: float, holes: np.ndarray) -> Remark:
    num_missing = int(np.round(steps[holes] / step - 1).sum())
    first = int(np.flatnonzero(holes)[0])
    verb = "is" if num_missing == 1 else "are"
    place = "at" if num_missing == 1 else "the first at"
    return Remark(
        severity=Severity.REFUSED,
        code="missing-slice",
        sentence=(
            f"{_count(num_missing, 'slice')} {verb} missing, {place} {along[first] + step:.2f} mm, "
            f"between slices {first + 1} and {first + 2}, which are {steps[first]:.2f} mm apart; "
            f"expected {step:.2f} mm; copy or export the whole series again."
        ),
    )


def _harmless(frames: Sequence[FrameHeader], steps: np.ndarray, step: float) -> list[Remark]:
    remarks = []
    worst = float(np.abs(steps - step).max())
    if worst > max(TOLD_UNEVEN * step, TOLD_UNEVEN_MM):
        remarks.append(
            Remark(
                severity=Severity.WARNING,
                code="spacing-jitter",
                sentence=(
                    f"The slices are {steps.min():.2f} to {steps.max():.2f} mm apart, expected one "
                    f"distance; {step:.2f} mm is taken for all, check measurements along the stack."
                ),
            )
        )
    thickness = frames[0].slice_thickness
    # Slices often overlap, and lie as far apart as they are thick; a gap is a choice, or a loss.
    if thickness is not None and step > 1.5 * thickness:
        remarks.append(
            Remark(
                severity=Severity.WARNING,
                code="gaps-between-slices",
                sentence=(
                    f"The slices are {step:.2f} mm apart but {thickness:.2f} mm thick, expected no "
                    "gaps; check that the series is whole."
                ),
            )
        )
    return remarks


def _positions(frames: Sequence[FrameHeader]) -> np.ndarray:
    """(N, 3) mm; every frame has a position."""
    return np.array([frame.position for frame in frames], dtype=np.float64)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def numbering_remarks(frames: tuple[FrameHeader, ...], numbers: Set[int]) -> list[Remark]:
    """Report where slices may be missing that the positions of the others cannot show.

    That is every second one, or some at an end. Only numbers that rise or fall evenly with the
    place mean anything: the standard lets a scanner number as it likes.

    Parameters
    ----------
    frames : in stacking order
    numbers : of all that lie with them, slices that were merged, set aside or split off included
    """
    if any(frame.position is None or not frame.orientation for frame in frames):
        return []
    mine = [frame.instance_number for frame in frames]
    steps = {after - before for before, after in pairwise(mine)}
    lowest, highest = min(mine), max(mine)
    if len(steps) != 1 or steps == {0} or lowest < 0:
        return []
    step = abs(steps.pop())
    remarks = []
    if step > 1 and sum(lowest <= number <= highest for number in numbers) <= highest - lowest:
        remarks.append(
            warning(
                "numbers-skipped",
                f"The slices are numbered in steps of {step}, expected steps of 1; slices between "
                "them may be missing, check that the series is whole.",
            )
        )
    # Those of which every second is there may begin with the second.
    first = min(number for number in numbers if number >= 0)
    if lowest > step and first > step:
        remarks.append(
            notice(
                "numbers-begin-late",
                f"The slices are numbered from {first}, expected from 1; earlier slices may be "
                "missing at that end, check that the series is whole.",
            )
        )
    return remarks
