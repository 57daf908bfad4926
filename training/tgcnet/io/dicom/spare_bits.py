"""Bits of a stored number above those of the picture: an old overlay, a sign, or a wrong header."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
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
from tgcnet.io.dicom.header import FrameHeader
from tgcnet.io.dicom.open_header import DEFLATED, NATIVE_SYNTAXES

OVERLAY_BIT_POSITIONS: tuple[BaseTag, ...] = tuple(
    Tag(group, 0x0102) for group in range(0x6000, 0x6020, 2)
)
"""Where each of up to 16 overlays lies among the picture's bits; 0 if it lies apart from them."""

# Others round, and may overshoot the highest number.
_EXACT_SYNTAXES = frozenset({
    *NATIVE_SYNTAXES, DEFLATED, RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless,
    JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL,
})  # fmt: skip


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
        # Overlays and extended signs use the same bits, and cannot be told apart.
        if not (overlays and header.is_signed):
            _check(picture & ~overlays, header, name)
    return (stored << spare) >> spare  # signed numbers keep their sign


def _check(picture: np.ndarray, header: FrameHeader, name: str) -> None:
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
