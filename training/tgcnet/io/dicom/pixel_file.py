"""One frame's bytes in a file, checked against what the header declares, and decoded."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedIOBase, BufferedReader, BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.filereader import read_partial
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from tgcnet.errors import InputError
from tgcnet.io.decoded import announce, check_size, needs_too_much_memory, quiet
from tgcnet.io.dicom.codestream import is_whole, stated_size
from tgcnet.io.dicom.elements import PARSER_ERRORS, tag
from tgcnet.io.dicom.series import FrameHeader

OVERLAY_BIT_POSITIONS: tuple[BaseTag, ...] = tuple(
    Tag(group, 0x0102) for group in range(0x6000, 0x6020, 2)
)
"""Where each of up to 16 overlays lies among the picture's bits; 0 if it lies apart from them."""

_KEYWORDS = {
    0x7FE00010: "PixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00008: "FloatPixelData",
}
_WANTED: list[BaseTag | int] = [
    *OVERLAY_BIT_POSITIONS,
    *(tag(keyword) for keyword in (
        "PlanarConfiguration", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
        "ModalityLUTSequence", "VOILUTSequence", "PixelRepresentation",
        "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
        "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
        "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
        "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
        "SegmentedBluePaletteColorLookupTableData",
    )),
]  # fmt: skip
_UNDEFINED = 0xFFFFFFFF
# One decoder a syntax, the strict one: another, tried after it failed, may invent what is missing.
# pydicom itself decodes RLE; pylibjpeg-rle is faster and panics on damaged bytes.
_PLUGINS = ("pydicom", "pylibjpeg", "pyjpegls", "gdcm")


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelElement:
    """Where a file's pixels lie.

    Attributes
    ----------
    start, length : of the value, in bytes; None where the length is not stated
    inflated : what ``start`` counts in, for a file that is deflated as a whole
    tables : the header's lookup tables
    """

    keyword: str
    syntax: UID
    vr: str | None
    start: int
    length: int | None
    num_bytes: int
    tables: Dataset
    inflated: bytes | None = None


def read_stored(header: FrameHeader) -> tuple[np.ndarray, Dataset]:
    """Decode a frame to stored values, and give the lookup tables of its file.

    Returns
    -------
    (rows, columns) or, of a colour picture, (rows, columns, 3) RGB; and the tables

    Raises
    ------
    InputError
        If the file cannot be opened or has no pixels, fewer or more than its header declares, a
        compression nobody here decodes, or damaged pixels.
    """
    name = Path(header.file).name
    check_size((header.rows, header.columns), name)
    if header.bits_allocated == 1:
        raise InputError(f"{name} has one bit a pixel, expected an image; a mask is no image.")
    try:
        with open(header.file, "rb") as file, quiet("pydicom"):
            state = os.fstat(file.fileno())
            element = _locate(header.file, state.st_mtime_ns, state.st_size)
            source = file if element.inflated is None else BytesIO(element.inflated)
            return _decoded(_frame_bytes(source, element, header, name), element, header, name)
    except OSError as error:
        raise InputError(
            f"{name} cannot be read ({error.strerror or 'damaged'}), expected a DICOM image; "
            "check that it is still there and may be read."
        ) from None
    except MemoryError:
        raise InputError(needs_too_much_memory(name)) from None
    except RuntimeError:  # what pydicom says where a decoder refused
        raise InputError(
            f"{name} cannot be decoded: its compressed pixels are damaged or of a kind that the "
            "decoder does not know; have it exported again, without compression."
        ) from None
    except PARSER_ERRORS as error:
        # "from None": the library's own message may quote what the file holds.
        raise InputError(
            f"{name} cannot be decoded: its pixels are damaged or not as its header says "
            f"({type(error).__name__}); export it again."
        ) from None


@lru_cache(maxsize=8)
def _locate(path: str, changed_ns: int, num_bytes: int) -> PixelElement:
    """Parse up to the pixels, once for all frames of a file as it is now."""
    found: list[tuple[BaseTag, str | None, int]] = []
    name = Path(path).name
    with open(path, "rb") as file:
        dataset = read_partial(file, _stop_at_pixels(found), force=True, specific_tags=_WANTED)
        syntax = UID(dataset.file_meta.get("TransferSyntaxUID", "") or _bare_syntax(dataset))
        if syntax == DeflatedExplicitVRLittleEndian:
            return _inflated(file, syntax, dataset, name)
        if not found:
            raise InputError(f"{name} holds no pixels, expected an image; export it again.")
        number, vr, length = found[0]
        # After the parser stopped at the tag: its 4 bytes, then type and length or length alone.
        start = file.tell() + (8 if vr is None else 12)
    return PixelElement(
        keyword=_KEYWORDS[number],
        syntax=syntax,
        vr=vr,
        start=start,
        length=None if length == _UNDEFINED else length,
        num_bytes=num_bytes,
        tables=dataset,
    )


def _inflated(file: BufferedReader, syntax: UID, dataset: Dataset, name: str) -> PixelElement:
    """Take the pixels of a file that is deflated as a whole: the parser has inflated all of it."""
    file.seek(0)
    pixels = read_partial(file, force=True, specific_tags=[Tag(number) for number in _KEYWORDS])
    for number, keyword in _KEYWORDS.items():
        if number in pixels:
            value = bytes(pixels[number].value)
            return PixelElement(
                keyword=keyword,
                syntax=syntax,
                vr="OW",
                start=0,
                length=len(value),
                num_bytes=len(value),
                tables=dataset,
                inflated=value,
            )
    raise InputError(f"{name} holds no pixels, expected an image; export it again.")


def _stop_at_pixels(
    found: list[tuple[BaseTag, str | None, int]],
) -> Callable[[BaseTag, str | None, int], bool]:
    def stop(number: BaseTag, vr: str | None, length: int) -> bool:
        if number in _KEYWORDS:
            found.append((number, vr, length))
        return number in _KEYWORDS

    return stop


def _bare_syntax(dataset: Dataset) -> str:
    """Of a file without meta information: as the parser found its elements to be written."""
    is_implicit, is_little_endian = dataset.original_encoding
    if is_implicit:
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.1" if is_little_endian else "1.2.840.10008.1.2.2"


def _frame_bytes(
    file: BufferedIOBase, element: PixelElement, header: FrameHeader, name: str
) -> bytes:
    """Read one frame as it is stored, after a look at whether all of it is there."""
    if header.frame >= header.num_frames:
        raise InputError(
            f"{name} has {header.num_frames} frames and number {header.frame + 1} was asked for; "
            "list the folder again."
        )
    if element.syntax.is_encapsulated:
        return _compressed_frame(file, element, header, name)
    frame = _native_bytes(header)
    expected = frame * header.num_frames
    length = element.length or 0
    # An odd number of bytes is filled up with one.
    if length not in (expected, expected + expected % 2):
        raise InputError(
            f"{name} holds {length:,} bytes of pixels where its header declares {expected:,} "
            f"({header.num_frames} x {header.rows} x {header.columns}); it is damaged or "
            "incomplete, export it again."
        )
    if element.start + expected > element.num_bytes:
        raise InputError(
            f"{name} is truncated: {max(element.num_bytes - element.start, 0):,} bytes of pixels, "
            f"expected {expected:,}; copy or export it again."
        )
    announce(name, unpacked=frame, packed=frame, working=8 * frame)
    file.seek(element.start + header.frame * frame)
    return file.read(frame)


def _native_bytes(header: FrameHeader) -> int:
    size = header.rows * header.columns * header.samples_per_pixel * header.bits_allocated // 8
    # Two neighbours share their colour.
    return size // 3 * 2 if header.photometric == "YBR_FULL_422" else size


def _compressed_frame(
    file: BufferedIOBase, element: PixelElement, header: FrameHeader, name: str
) -> bytes:
    if element.length is not None:
        raise InputError(
            f"{name} says its pixels are compressed ({element.syntax.name}) but stores them as if "
            "they were not; export it again."
        )
    file.seek(element.start)
    offsets = (
        element.tables.get("ExtendedOffsetTable"),
        element.tables.get("ExtendedOffsetTableLengths"),
    )
    stream = get_frame(
        file,
        header.frame,
        number_of_frames=header.num_frames,
        extended_offsets=None if None in offsets else offsets,
    )
    declared = _native_bytes(header)
    # The decoder's own picture, its bytes, the array made of them and the values.
    announce(name, unpacked=declared, packed=len(stream), working=len(stream) + 8 * declared)
    if "JPEG" not in element.syntax.name:
        return stream
    size = stated_size(stream)
    if size != (header.rows, header.columns):
        found = "no size" if size is None else f"{size[0]} x {size[1]} pixels"
        raise InputError(
            f"{name} declares {header.rows} x {header.columns} pixels and its compressed picture "
            f"{found}; it is damaged, export it again."
        )
    if not is_whole(stream):
        raise InputError(
            f"{name} is truncated: its compressed picture breaks off; copy or export it again."
        )
    return stream


def _decoded(
    frame: bytes, element: PixelElement, header: FrameHeader, name: str
) -> tuple[np.ndarray, Dataset]:
    """Decode these bytes as the only frame of a file."""
    decoder = _decoder(element.syntax, name)
    is_compressed = element.syntax.is_encapsulated
    options: dict[str, Any] = {
        "rows": header.rows,
        "columns": header.columns,
        "number_of_frames": 1,
        "samples_per_pixel": header.samples_per_pixel,
        "photometric_interpretation": header.photometric,
        "bits_allocated": header.bits_allocated,
        "bits_stored": header.bits_stored or header.bits_allocated,
        "pixel_representation": int(header.is_signed),
        "pixel_keyword": element.keyword,
        # The padding value may use bits above those of the picture; they are cut off later.
        "correct_unused_bits": False,
    }
    if element.vr is not None:
        options["pixel_vr"] = element.vr
    if header.samples_per_pixel > 1:
        options["planar_configuration"] = int(element.tables.get("PlanarConfiguration", 0) or 0)
    stored, _ = decoder.as_array(
        encapsulate([frame], has_bot=False) if is_compressed else frame,
        index=0,
        decoding_plugin=next((p for p in _PLUGINS if p in decoder.available_plugins), ""),
        **options,
    )
    return stored.astype(stored.dtype.newbyteorder("="), copy=False), element.tables


def _decoder(syntax: UID, name: str) -> Decoder:
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise InputError(
            f"{name} is stored as {syntax.name!r}, which no decoder here reads; have the archive "
            "export it without compression."
        ) from None
    if not decoder.is_available:
        raise InputError(
            f"{name} is stored as {syntax.name!r} and its decoder is not installed; "
            "pip install 'napari-tgcnet[dicom]'"
        )
    return decoder
