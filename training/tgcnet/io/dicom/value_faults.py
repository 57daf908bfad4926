"""Whether the pixels of one series are all there, and mean the same on every slice."""

from collections.abc import Sequence

from tgcnet.io.dicom.header import FrameHeader
from tgcnet.io.dicom.series import EXPORT_ALONE, Remark, notice, refused, warning


def value_remarks(frames: Sequence[FrameHeader]) -> list[Remark]:
    """Tell what is amiss with the values of frames that are to be one image."""
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
        return [refused("mixed-units", sentence + EXPORT_ALONE)]
    if all(silent) and frames[0].modality == "CT" and not has_table:
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
