"""What the frames of one series must have in common; what differs is reported, not guessed."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from tgcnet.io.dicom.frame_fields import PROJECTIONS
from tgcnet.io.dicom.series import EXPORT_ALONE, FrameHeader, Remark, refused, warning
from tgcnet.io.dicom.spacing import spacing_remarks
from tgcnet.io.dicom.values import value_remarks

MAX_TURN = 1e-3
"""Between direction cosines: over 250 mm from the corner of a plane, a quarter of a millimetre."""

REPORTED_TURN = 2e-5
"""Six digits, as scanners write them, differ by less."""

MAX_SPACING_CHANGE = 1e-3
"""Of the pixel spacing: over 512 pixels, half a pixel."""

REPORTED_SPACING_CHANGE = 1e-5

MAX_THICKNESS_CHANGE = 0.01
"""Of the slices' thickness: what is written with two or three digits."""


def remarks_of(frames: Sequence[FrameHeader]) -> tuple[Remark, ...]:
    """Report what is wrong with frames that are to be one image.

    Parameters
    ----------
    frames : of one series, in stacking order; at least one
    """
    remarks = [*_of_one_origin(frames), *value_remarks(frames), *_of_planes(frames)]
    positions = [frame.position for frame in frames]
    is_stack = all(position is not None for position in positions) and all(
        frame.orientation for frame in frames
    )
    is_parallel = not any(
        remark.code in ("mixed-orientation", "broken-orientation") for remark in remarks
    )
    if len(frames) > 1 and is_stack and is_parallel:
        remarks += spacing_remarks(frames)
    return tuple(remarks)


def _of_one_origin(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Whether all were taken of one patient, in one go."""
    rules: tuple[tuple[str, str, Callable[[FrameHeader], Hashable]], ...] = (
        ("two-patients", "patient", lambda frame: frame.patient_key),
        ("mixed-studies", "study", lambda frame: frame.study_uid),
        ("mixed-series", "modality", lambda frame: frame.modality),
        ("mixed-series", "kind of object", lambda frame: frame.sop_class),
        ("mixed-series", "series number", lambda frame: max(frame.series_number, 0)),
        ("mixed-frames-of-reference", "frame of reference", lambda frame: frame.frame_of_reference),
        ("mixed-positions", "position of the patient", lambda frame: frame.patient_position),
    )
    remarks = []
    for code, noun, key in rules:
        found = {key(frame) for frame in frames}
        # A slice without the value, among others that have it, may be of anything else.
        if len(found) > 1:
            unknown = " (one of them unknown)" if found & {"", 0} else ""
            remarks.append(
                refused(
                    code,
                    f"The slices have {len(found)} different values{unknown} of what tells one "
                    f"{noun} from another, expected one {noun}; {EXPORT_ALONE}",
                )
            )
    repeated = len(frames) - len({(frame.sop_uid or frame.file, frame.frame) for frame in frames})
    if repeated:
        remarks.append(
            refused(
                "repeated-identifier",
                f"{repeated} of {len(frames)} slices carry the identifier of another slice, with "
                "another place or other pixels, expected one identifier a slice; export the "
                "series again.",
            )
        )
    return remarks + _of_concatenation(frames) + _of_one_examination(frames)


def _of_concatenation(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Whether a multi-frame object has been stored in several files (PS3.3, C.7.6.16.2.2.4)."""
    if any(frame.num_parts > 1 or (frame.num_parts < 0 and frame.part > 1) for frame in frames):
        return [
            refused(
                "part-of-concatenation",
                "The file is one of several parts of one object (a concatenation), expected the "
                "whole of it; have the archive export it as one object, or slice by slice.",
            )
        ]
    if any(frame.num_parts < 0 <= frame.part for frame in frames):
        return [
            warning(
                "maybe-a-part",
                "The file is a part of an object (a concatenation) and does not say of how many, "
                "expected the whole of it; check that the series is whole.",
            )
        ]
    return []


def _of_one_examination(frames: Sequence[FrameHeader]) -> list[Remark]:
    """What the slices of one series may differ in, and mostly do not: a person should check."""
    rules: tuple[tuple[str, str, Callable[[FrameHeader], Hashable]], ...] = (
        # Case and spaces are typing, not another series.
        (
            "mixed-descriptions",
            "series description",
            lambda frame: "".join(frame.series_description.split()).casefold(),
        ),
        ("mixed-kernels", "reconstruction kernel", lambda frame: frame.kernels),
        ("mixed-study-dates", "date of the study", lambda frame: frame.study_date),
        # A report is compared with the first slice's.
        ("mixed-accession-numbers", "accession number", lambda frame: frame.accession_number),
        # What follows the third value is the scanner's own, and may count slices.
        ("mixed-image-types", "image type", lambda frame: frame.image_type[:3]),
    )
    slices = [frame for frame in frames if "LOCALIZER" not in frame.image_type]
    return [
        warning(
            code,
            f"The slices carry more than one {noun}, expected one; check that they are one "
            "examination and one reconstruction.",
        )
        for code, noun, key in rules
        if len({key(frame) for frame in slices}) > 1
    ]


def _of_planes(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Whether all have planes of one size, one pixel and one direction."""
    remarks = []
    if len({(frame.rows, frame.columns) for frame in frames}) > 1:
        sentence = "The slices have different numbers of rows or columns, expected one size; "
        remarks.append(refused("mixed-sizes", sentence + EXPORT_ALONE))
    remarks += _of_spacing(frames) + _of_thickness(frames)
    if frames[0].modality in PROJECTIONS and len(frames) == 1:
        return remarks
    return remarks + _of_positions(frames) + _of_orientation(frames)


def _of_spacing(frames: Sequence[FrameHeader]) -> list[Remark]:
    is_absent = [not frame.spacing_yx for frame in frames]
    if all(is_absent):
        sentence = (
            "The file does not say how large a pixel is, expected millimetres; lengths and volumes "
        )
        return [warning("no-pixel-spacing", f"{sentence}cannot be measured, export it with them.")]
    if any(is_absent):
        return [
            refused(
                "missing-pixel-spacing",
                f"{sum(is_absent)} of {len(frames)} slices do not say how large a pixel is, "
                "expected it on every slice; export the series again.",
            )
        ]
    spacings = np.array([frame.spacing_yx for frame in frames])
    change = float((np.ptp(spacings, axis=0) / spacings.min(axis=0)).max())
    sentence = (
        f"The pixels are {spacings.min():.4f} to {spacings.max():.4f} mm large, expected one size "
        "on all slices"
    )
    if change > MAX_SPACING_CHANGE:
        return [refused("mixed-pixel-spacings", f"{sentence}; {EXPORT_ALONE}")]
    if change > REPORTED_SPACING_CHANGE:
        sentence += "; the first slice's is taken for all, the difference is below half a pixel."
        return [warning("pixel-spacing-rounded", sentence)]
    return []


def _of_thickness(frames: Sequence[FrameHeader]) -> list[Remark]:
    known = [frame.slice_thickness for frame in frames if frame.slice_thickness is not None]
    if not known or max(known) <= (1 + MAX_THICKNESS_CHANGE) * min(known):
        return []
    sentence = f"The slices are {min(known):.2f} to {max(known):.2f} mm thick, expected one "
    sentence += "thickness; check that they are one reconstruction."
    return [warning("mixed-thicknesses", sentence)]


def _of_positions(frames: Sequence[FrameHeader]) -> list[Remark]:
    is_absent = [frame.position is None for frame in frames]
    if not any(is_absent):
        return []
    if not all(is_absent):
        return [
            refused(
                "missing-position",
                f"{sum(is_absent)} of {len(frames)} slices do not say where they lie, expected a "
                "position on every slice; export the series again.",
            )
        ]
    if frames[0].modality == "CT" and len(frames) > 1:
        return [
            refused(
                "no-positions",
                "No slice says where it lies, so that neither their order nor their distance is "
                "known; expected positions; export the original series.",
            )
        ]
    return [
        warning(
            "no-positions",
            "The image does not say where it lies in the patient, expected positions; slices are "
            "taken in the order of their numbers, and left and right as radiologists look at them.",
        )
    ]


def _of_orientation(frames: Sequence[FrameHeader]) -> list[Remark]:
    known = [frame.orientation for frame in frames if frame.orientation]
    if not known:
        if len(frames) > 1 and all(frame.position is not None for frame in frames):
            sentence = "No slice says how it is turned, expected an orientation; "
            return [refused("missing-orientation", sentence + "export the original series.")]
        return []
    if len(known) < len(frames):
        return [
            refused(
                "missing-orientation",
                f"{len(frames) - len(known)} of {len(frames)} slices do not say how they are "
                "turned, expected an orientation on every slice; export the series again.",
            )
        ]
    axes = np.array(known).reshape(-1, 2, 3)
    lengths = np.linalg.norm(axes, axis=2)
    across = np.abs((axes[:, 0] * axes[:, 1]).sum(axis=1))
    if np.abs(lengths - 1).max() > MAX_TURN or across.max() > MAX_TURN:
        return [
            refused(
                "broken-orientation",
                "Rows and columns of a slice are said to be neither of length 1 nor square to each "
                "other, expected two perpendicular directions; export the series again.",
            )
        ]
    turn = float(np.abs(axes - axes[0]).max())
    if turn > MAX_TURN:
        sentence = "The slices are turned in different directions, expected parallel slices; "
        return [refused("mixed-orientation", sentence + EXPORT_ALONE)]
    if turn > REPORTED_TURN:
        return [
            warning(
                "orientation-rounded",
                f"The directions of the slices differ by {turn:.1e}, expected the same; the first "
                "slice's is taken for all, the difference is below half a pixel.",
            )
        ]
    return []
