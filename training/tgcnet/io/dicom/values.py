"""What a frame's numbers are, by its header alone: their type, range, meaning and faults."""

from collections.abc import Sequence

import numpy as np

from tgcnet.domain import Modality
from tgcnet.io.dicom.series import EXPORT_ALONE, FrameHeader, Remark, notice, refused, warning

AIR_HU = -1024
"""What a CT's padding is read as: the least that scanners store, black in every window."""

_RADIOGRAPHS = ("CR", "DX", "RG", "XR")
_INTEGERS = tuple(np.dtype(name) for name in ("uint8", "int16", "uint16", "int32"))


def modality_of(header: FrameHeader) -> Modality:
    """CT only where the values are Hounsfield units: every window of the CT relies on that."""
    if is_radiograph(header):
        return Modality.XRAY
    return Modality.CT if is_hounsfield(header) else Modality.UNKNOWN


def is_radiograph(header: FrameHeader) -> bool:
    """Whether this is a projection by X-rays on a plate or a detector."""
    return header.modality in _RADIOGRAPHS


def is_hounsfield(header: FrameHeader) -> bool:
    """Whether a rescale leads to Hounsfield units, which a CT's does unless it names others."""
    has_rescale = header.slope is not None and header.intercept is not None
    return header.modality == "CT" and has_rescale and header.rescale_type.upper() in ("", "HU")


def is_colour(header: FrameHeader) -> bool:
    """Whether the pixels become grey by their luminance."""
    return header.samples_per_pixel > 1 or is_palette(header)


def is_palette(header: FrameHeader) -> bool:
    """Whether the stored values are numbers of colours."""
    return header.photometric.startswith("PALETTE")


def is_inverted(header: FrameHeader) -> bool:
    """Whether small values are white; a CT's keep their meaning, whatever they are shown as."""
    return header.photometric == "MONOCHROME1" and header.modality != "CT"


def uses_table(header: FrameHeader) -> bool:
    """Whether values come from a lookup table: the modality's, or a radiograph's for viewing."""
    return header.has_modality_lut or (header.has_voi_lut and is_radiograph(header))


def rescale(header: FrameHeader) -> tuple[float, float]:
    """Slope and intercept; 1 and 0 where they do not apply."""
    if is_colour(header) or header.has_modality_lut:
        return 1.0, 0.0
    return (
        1.0 if header.slope is None else header.slope,
        0.0 if header.intercept is None else header.intercept,
    )


def value_range(header: FrameHeader) -> tuple[float, float]:
    """Lowest and highest value after the rescale that the stored bits allow; (0, 0) for floats."""
    bits = header.bits_stored
    if not bits:
        return 0.0, 0.0
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if header.is_signed else (0, 2**bits - 1)
    slope, intercept = rescale(header)
    ends = (low * slope + intercept, high * slope + intercept)
    return float(min(ends)), float(max(ends))


def has_short_range(header: FrameHeader) -> bool:
    """Whether Hounsfield units are kept in int16; what lies beyond becomes its end."""
    return is_hounsfield(header) and header.bits_stored <= 16 and header.slope == 1


def frame_dtype(header: FrameHeader) -> np.dtype:
    """Smallest integer type for all values the header allows, float32 where they are no integers.

    It depends on nothing but the header, so that a series has its type before a pixel is read.
    Hounsfield units of 16 stored bits have int16: no tissue and no metal reaches its ends.
    """
    if is_palette(header):
        return np.dtype(np.uint8)
    if uses_table(header):
        return np.dtype(np.uint16)
    low, high = value_range(header)
    if is_hounsfield(header) and header.padding:
        low, high = min(low, AIR_HU), max(high, AIR_HU)
    are_whole = all(float(number).is_integer() for number in rescale(header))
    if not header.bits_stored or not are_whole:
        return np.dtype(np.float32)
    if has_short_range(header):
        return np.dtype(np.int16)
    for dtype in _INTEGERS:
        limits = np.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return dtype
    return np.dtype(np.float32)


def common_dtype(headers: tuple[FrameHeader, ...]) -> np.dtype:
    """One type for all frames of a series."""
    dtype = np.result_type(*{frame_dtype(header) for header in headers})
    return np.dtype(np.float32) if dtype.kind == "f" else np.dtype(dtype)


def value_remarks(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Report what is wrong with the values of frames that are to be one image."""
    return [*_of_extent(frames), *_of_layout(frames), *_of_rescale(frames)]


def _of_extent(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Whether the files hold as many pixels as their headers declare."""
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
    num_surplus = sum(frame.has_surplus for frame in frames)
    if num_surplus:
        remarks.append(
            refused(
                "surplus-pixels",
                f"{num_surplus} of {len(frames)} slices lie in files with more pixels than their "
                "headers declare, expected as many; export them again.",
            )
        )
    return remarks


def _of_layout(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Whether the pixels are stored in one way, and in one that is read."""
    remarks = []
    if len({(f.photometric, f.samples_per_pixel, f.has_modality_lut) for f in frames}) > 1:
        remarks.append(
            refused(
                "mixed-pixels",
                "The slices store their pixels in different ways (grey against inverted grey, "
                f"colour or a table), expected one way; {EXPORT_ALONE}",
            )
        )
    if len({frame.is_signed for frame in frames}) > 1:
        remarks.append(
            refused(
                "mixed-pixels",
                "Some slices store numbers with a sign and others without, expected one way; "
                f"{EXPORT_ALONE}",
            )
        )
    num_high = sum(_is_high(frame) for frame in frames)
    if num_high:
        remarks.append(
            refused(
                "high-bit",
                f"{num_high} of {len(frames)} slices say that their pixels do not lie in the "
                "lowest bits (High Bit), expected High Bit to be Bits Stored less 1; have the "
                "archive export them anew, in the layout of today.",
            )
        )
    return remarks


def _is_high(frame: FrameHeader) -> bool:
    bits = frame.bits_stored or frame.bits_allocated
    return frame.high_bit >= 0 and frame.high_bit != bits - 1


def _of_rescale(frames: Sequence[FrameHeader]) -> list[Remark]:
    is_absent = [frame.slope is None or frame.intercept is None for frame in frames]
    has_table = frames[0].has_modality_lut
    if any(frame.slope == 0 for frame in frames):
        sentence = "A slice has the rescale slope 0, which makes all its pixels equal, expected "
        return [refused("zero-slope", f"{sentence}another number; export the series again.")]
    if any(is_absent) and not all(is_absent):
        return [
            refused(
                "missing-rescale",
                f"{sum(is_absent)} of {len(frames)} slices lack the rescale slope or intercept, "
                "expected both on every slice; export the series again.",
            )
        ]
    if len({frame.rescale_type for frame in frames}) > 1:
        sentence = "The slices are in different units after their rescale, expected one unit; "
        return [refused("mixed-units", sentence + EXPORT_ALONE)]
    if all(is_absent) and frames[0].modality == "CT" and not has_table:
        return [
            warning(
                "no-rescale",
                "No slice has a rescale slope and intercept, expected both in a CT; the stored "
                "values are taken for Hounsfield units, check them in air and in soft tissue.",
            )
        ]
    slopes = [frame.slope for frame in frames if frame.slope is not None]
    if slopes and min(slopes) < 0 < max(slopes):
        sentence = "The rescale turns dark to white on some slices and not on others (slopes of "
        return [
            refused("mixed-slopes", f"{sentence}both signs), expected one sign; {EXPORT_ALONE}")
        ]
    if len({(frame.slope, frame.intercept) for frame in frames}) > 1:
        if frames[0].modality == "CT":
            sentence = "The slices have different rescale slopes or intercepts, which are applied "
            sentence += "to each, expected one of each in a CT; "
            return [
                warning("varying-rescale", f"{sentence}check that they are one reconstruction.")
            ]
        sentence = "The slices have different rescale slopes or intercepts, which are applied to "
        return [notice("varying-rescale", f"{sentence}each; nothing needs to be done.")]
    return []
