"""Wrong series are told, not guessed: what the frames of one series must have in common."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from tgcnet.io.dicom.header import FrameHeader
from tgcnet.io.dicom.plane_fields import PROJECTIONS
from tgcnet.io.dicom.series import Remark, Severity
from tgcnet.io.dicom.spacing import spacing_remarks

MAX_TURN = 1e-3
"""Between direction cosines: over 250 mm from the corner of a plane, a quarter of a millimetre."""

TOLD_TURN = 2e-5
"""Six digits, as scanners write them, differ by less."""

MAX_SPACING_CHANGE = 1e-3
"""Of the pixel spacing: over 512 pixels, half a pixel."""

TOLD_SPACING_CHANGE = 1e-5

_EXPORT = "export that series alone and whole."


def remarks_of(frames: Sequence[FrameHeader]) -> tuple[Remark, ...]:
    """Tell what is amiss with frames that are to be one image.

    Parameters
    ----------
    frames : of one series, in stacking order; at least one
    """
    remarks = [*_of_one_origin(frames), *_of_values(frames), *_of_planes(frames)]
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


def refused(code: str, sentence: str) -> Remark:
    """Make a remark that keeps the series from being read."""
    return Remark(severity=Severity.REFUSED, code=code, sentence=sentence)


def warning(code: str, sentence: str) -> Remark:
    """Make a remark that the person should know of."""
    return Remark(severity=Severity.WARNING, code=code, sentence=sentence)


def notice(code: str, sentence: str) -> Remark:
    """Make a remark on what was done."""
    return Remark(severity=Severity.NOTICE, code=code, sentence=sentence)


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
        # A slice that is silent among others that are not may be of anything else.
        if len(found) > 1:
            silent = " (one of them unknown)" if found & {"", 0} else ""
            remarks.append(
                refused(
                    code,
                    f"The slices have {len(found)} different values{silent} of what tells one "
                    f"{noun} from another, expected one {noun}; {_EXPORT}",
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
    return remarks + _of_one_examination(frames)


def _of_one_examination(frames: Sequence[FrameHeader]) -> list[Remark]:
    """What one series may differ in, and mostly does not: told, so that a person looks."""
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
    )
    return [
        warning(
            code,
            f"The slices carry more than one {noun}, expected one; check that they are one "
            "examination and one reconstruction.",
        )
        for code, noun, key in rules
        if len({key(frame) for frame in frames}) > 1
    ]


def _of_values(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Whether the pixels are all there, and mean the same."""
    remarks = []
    num_cut = sum(frame.is_truncated for frame in frames)
    if num_cut:
        remarks.append(
            refused(
                "truncated",
                f"{num_cut} of {len(frames)} slices lack a part of their pixels, expected whole "
                "files; copy or export them again.",
            )
        )
    if len({(f.photometric, f.samples_per_pixel, f.has_modality_lut) for f in frames}) > 1:
        remarks.append(
            refused(
                "mixed-pixels",
                "The slices store their pixels in different ways (grey against inverted grey, "
                f"colour or a table), expected one way; {_EXPORT}",
            )
        )
    return remarks + _of_rescale(frames)


def _of_rescale(frames: Sequence[FrameHeader]) -> list[Remark]:
    silent = [frame.slope is None or frame.intercept is None for frame in frames]
    has_table = frames[0].has_modality_lut
    if any(frame.slope == 0 for frame in frames):
        sentence = "A slice has the rescale slope 0, which makes all its pixels equal, expected "
        return [refused("zero-slope", f"{sentence}another number; export the series again.")]
    if any(silent) and not all(silent):
        return [
            refused(
                "missing-rescale",
                f"{sum(silent)} of {len(frames)} slices lack the rescale slope or intercept, "
                "expected both on every slice; export the series again.",
            )
        ]
    if len({frame.rescale_type for frame in frames}) > 1:
        sentence = "The slices are in different units after their rescale, expected one unit; "
        return [refused("mixed-units", sentence + _EXPORT)]
    if all(silent) and frames[0].modality == "CT" and not has_table:
        return [
            warning(
                "no-rescale",
                "No slice has a rescale slope and intercept, expected both in a CT; the stored "
                "values are taken for Hounsfield units, check them in air and in soft tissue.",
            )
        ]
    if len({(frame.slope, frame.intercept) for frame in frames}) > 1:
        sentence = "The slices have different rescale slopes or intercepts, which are applied to "
        return [notice("varying-rescale", f"{sentence}each; nothing needs to be done.")]
    return []


def _of_planes(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Whether all have planes of one size, one pixel and one direction."""
    remarks = []
    if len({(frame.rows, frame.columns) for frame in frames}) > 1:
        sentence = "The slices have different numbers of rows or columns, expected one size; "
        remarks.append(refused("mixed-sizes", sentence + _EXPORT))
    remarks += _of_spacing(frames)
    if frames[0].modality in PROJECTIONS and len(frames) == 1:
        return remarks
    return remarks + _of_positions(frames) + _of_orientation(frames)


def _of_spacing(frames: Sequence[FrameHeader]) -> list[Remark]:
    silent = [not frame.spacing_yx for frame in frames]
    if all(silent):
        sentence = (
            "The file does not say how large a pixel is, expected millimetres; lengths and volumes "
        )
        return [warning("no-pixel-spacing", f"{sentence}cannot be measured, export it with them.")]
    if any(silent):
        return [
            refused(
                "missing-pixel-spacing",
                f"{sum(silent)} of {len(frames)} slices do not say how large a pixel is, expected "
                "it on every slice; export the series again.",
            )
        ]
    spacings = np.array([frame.spacing_yx for frame in frames])
    change = float((np.ptp(spacings, axis=0) / spacings.min(axis=0)).max())
    sentence = (
        f"The pixels are {spacings.min():.4f} to {spacings.max():.4f} mm large, expected one size "
        "on all slices"
    )
    if change > MAX_SPACING_CHANGE:
        return [refused("mixed-pixel-spacings", f"{sentence}; {_EXPORT}")]
    if change > TOLD_SPACING_CHANGE:
        sentence += "; the first slice's is taken for all, the difference is below half a pixel."
        return [warning("pixel-spacing-rounded", sentence)]
    return []


def _of_positions(frames: Sequence[FrameHeader]) -> list[Remark]:
    silent = [frame.position is None for frame in frames]
    if not any(silent):
        return []
    if not all(silent):
        return [
            refused(
                "missing-position",
                f"{sum(silent)} of {len(frames)} slices do not say where they lie, expected a "
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
        return [refused("mixed-orientation", sentence + _EXPORT)]
    if turn > TOLD_TURN:
        return [
            warning(
                "orientation-rounded",
                f"The directions of the slices differ by {turn:.1e}, expected the same; the first "
                "slice's is taken for all, the difference is below half a pixel.",
            )
        ]
    return []
