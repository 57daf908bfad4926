"""One frame to the modality's own values: Hounsfield units, or what a radiograph stores."""

import math
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tgcnet.errors import InputError
from tgcnet.io.dicom import elements
from tgcnet.io.dicom.elements import PARSER_ERRORS
from tgcnet.io.dicom.lut import read_table
from tgcnet.io.dicom.open_header import DEFLATED, NATIVE_SYNTAXES
from tgcnet.io.dicom.pixel_file import OVERLAY_BIT_POSITIONS, read_stored
from tgcnet.io.dicom.series import FrameHeader
from tgcnet.io.dicom.values import (
    AIR_HU,
    frame_dtype,
    has_short_range,
    is_colour,
    is_hounsfield,
    is_inverted,
    is_palette,
    is_radiograph,
    rescale,
    uses_table,
    value_range,
)
from tgcnet.io.grey import flatten_to_grey

# Others round, and may overshoot the highest number.
_EXACT_SYNTAXES = frozenset({
    *NATIVE_SYNTAXES, DEFLATED, RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless,
    JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL,
})  # fmt: skip


def decode_frame(header: FrameHeader) -> np.ndarray:
    """Decode one frame and convert it to the modality's values; windows are never burnt in.

    The modality's lookup table, or the slope and intercept of this very frame; of a radiograph,
    also the lookup table for viewing. MONOCHROME1 is inverted, but not a CT's: its Hounsfield
    units mean the same. Padding is read as -1024 HU, or as the darkest value of the frame.

    Returns
    -------
    (rows, columns) of the type that :func:`frame_dtype` derives from the header

    Raises
    ------
    InputError
        If the file cannot be opened or decoded, its pixels are not what its header declares, or
        its rescale or lookup table is no mapping. The message names the file, not its folder.
    """
    name = Path(header.file).name
    _check_rescale(header, name)
    stored, tables = read_stored(header)
    if is_colour(header):
        return _grey(stored, tables, header, name)
    is_padding = _padding(stored, header)
    picture = within_bits(stored, is_padding, tables, header, name)
    values, ends = _rescaled(picture, tables, header, name)
    if is_inverted(header):
        total = ends[0] + ends[1]
        # Whole numbers stay so: int32 minus a float would be float64, needlessly.
        values = (int(total) if values.dtype.kind == "i" else total) - values
    if is_padding is not None and is_padding.any():
        values[is_padding] = _fill(values, is_padding, header)
    dtype = frame_dtype(header)
    if dtype == np.int16 and has_short_range(header):
        values = np.clip(values, -(2**15), 2**15 - 1)
    return values.astype(dtype)


def _check_rescale(header: FrameHeader, name: str) -> None:
    slope, intercept = rescale(header)
    if slope == 0 or not (math.isfinite(slope) and math.isfinite(intercept)):
        raise InputError(
            f"{name} states a rescale slope of {slope:g} and an intercept of {intercept:g}, "
            "expected finite numbers and a slope other than 0; export it again."
        )
    if header.bits_stored > header.bits_allocated:
        raise InputError(
            f"{name} states {header.bits_stored} bits in {header.bits_allocated}, expected no "
            "more than fit; export it again."
        )


def _grey(stored: np.ndarray, tables: Dataset, header: FrameHeader, name: str) -> np.ndarray:
    if is_palette(header):
        if tables.original_encoding[1] is False:
            raise InputError(
                f"{name} has a colour table in the retired order of bytes (big endian), which "
                "cannot be read reliably; have it exported as little endian."
            )
        try:
            stored = apply_color_lut(stored, tables)
        except PARSER_ERRORS:
            raise InputError(f"{name} has a damaged colour table; export it again.") from None
        if stored.dtype == np.uint16:
            stored = stored >> 8  # colours of 16 bits are shown with 8
    grey = flatten_to_grey(stored, alpha=None, name=name)
    return np.asarray(grey.astype(frame_dtype(header)))


def _padding(stored: np.ndarray, header: FrameHeader) -> np.ndarray | None:
    """Where no image is; compared as stored, since padding may lie outside the picture's bits."""
    if not header.padding:
        return None
    low, high = min(header.padding), max(header.padding)
    return np.asarray((stored >= low) & (stored <= high))


def _rescaled(
    stored: np.ndarray, tables: Dataset, header: FrameHeader, name: str
) -> tuple[np.ndarray, tuple[float, float]]:
    """Values, and the lowest and highest that these could be."""
    is_signed = header.is_signed
    slope, intercept = rescale(header)
    ends = value_range(header)
    values: np.ndarray
    if header.has_modality_lut:
        table = read_table(tables, "ModalityLUTSequence", name, is_signed=is_signed)
        values, ends, is_signed = (
            table.apply(stored).astype(np.int32),
            (0.0, float(table.top)),
            False,
        )
    elif frame_dtype(header).kind == "f" or uses_table(header):
        # float64 inside: float32 would round large stored integers before the slope shrinks them.
        values = stored * np.float64(slope) + np.float64(intercept)
    else:
        values = stored.astype(np.int32) * np.int32(slope) + np.int32(intercept)
    if header.has_voi_lut and is_radiograph(header):
        is_signed = is_signed or ends[0] < 0
        table = read_table(tables, "VOILUTSequence", name, is_signed=is_signed)
        values, ends = table.apply(np.rint(values)).astype(np.int32), (0.0, float(table.top))
    return values, ends


def _fill(values: np.ndarray, is_padding: np.ndarray, header: FrameHeader) -> float:
    """Black: air in a CT; elsewhere the darkest pixel that is no padding."""
    if is_hounsfield(header):
        return float(AIR_HU)
    return float(values[~is_padding].min()) if not is_padding.all() else float(values.min())


def within_bits(
    stored: np.ndarray,
    is_padding: np.ndarray | None,
    tables: Dataset,
    header: FrameHeader,
    name: str,
) -> np.ndarray:
    """Cut off what lies above the picture's bits, such as an old overlay.

    Parameters
    ----------
    stored, is_padding : (rows, columns); padding may use all bits
    tables : the elements that say where overlays lie

    Raises
    ------
    InputError
        If pixels use bits that are neither the picture's nor an overlay's: cut to the bits that
        the header declares, they would be other numbers.
    """
    spare = 8 * stored.dtype.itemsize - header.bits_stored
    if stored.dtype.kind == "f" or not spare or not header.bits_stored:
        return stored
    if header.transfer_syntax in _EXACT_SYNTAXES:
        picture = stored if is_padding is None else stored[~is_padding]
        overlays = _overlays(tables, header, stored.dtype)
        # Overlays and extended signs use the same bits, and cannot be distinguished.
        if not (overlays and header.is_signed):
            _check_bits(picture & ~overlays, header, name)
    return (stored << spare) >> spare  # signed numbers keep their sign


def _check_bits(picture: np.ndarray, header: FrameHeader, name: str) -> None:
    if not picture.size:
        return
    bits = header.bits_stored
    lowest, highest = int(picture.min()), int(picture.max())
    # Signs are extended to the bits above, or cut off; in one frame, of all numbers or of none.
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if lowest < 0 else (0, 2**bits - 1)
    if lowest < low or highest > high:
        raise InputError(
            f"The pixels of {name} do not fit its header: they range from {lowest} to {highest}, "
            f"expected {low} to {high} by its {bits} bits (Bits Stored) and no overlay above them; "
            "export the series again."
        )


def _overlays(tables: Dataset, header: FrameHeader, dtype: np.dtype) -> np.ndarray:
    """Bits that hold overlays, as a number of this type."""
    mask = 0
    for number in OVERLAY_BIT_POSITIONS:
        for position in elements.shorts(tables, number)[:1]:
            if header.bits_stored <= position < 8 * dtype.itemsize:
                mask |= 1 << position
    return np.array(mask, dtype=f"u{dtype.itemsize}").view(dtype)
