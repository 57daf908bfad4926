"""A DICOM file's header, parsed up to the pixels, and whether the pixels are all there."""

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator, read_partial
from pydicom.tag import BaseTag, Tag

from tgcnet.errors import InputError
from tgcnet.io.decoded import quiet
from tgcnet.io.dicom import elements
from tgcnet.io.dicom.codestream import MARK_BYTES, begins_picture
from tgcnet.io.dicom.elements import PARSER_ERRORS

MAX_ELEMENT_BYTES = 16 * 2**20
"""An enhanced CT of 4,000 frames describes them in about 8 MB; a larger element is not read."""

MAX_INFLATED_BYTES = 256 * 2**20
"""Of a file in the deflated transfer syntax, which pydicom inflates whole, pixels included."""

DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE_SYNTAXES = ("", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""Pixels lie as they are. "" is a file without meta information."""

_PIXELS = frozenset({0x7FE00010, 0x7FE00009, 0x7FE00008})
_UNDEFINED = 0xFFFFFFFF
_META_START = 132  # after 128 bytes for anything and "DICM"
_HEAD_BYTES = 2**14  # the meta information, which names the transfer syntax, fits
_ITEM = b"\xfe\xff\x00\xe0"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedHeader:
    """What lies before the pixels, and how many bytes of them follow.

    Attributes
    ----------
    transfer_syntax : "" where the file has no meta information
    has_pixels : there is an element of pixels, whatever is in it
    pixel_start : where the first of them lies in the file; None in a deflated file
    pixel_bytes : that lie in the file, of an element whose length is given; else None
    num_fragments : of compressed pixels, those that lie in the file whole
    num_pictures : those among them with which a picture begins
    is_cut : a fragment begins, but the file ends before it does
    """

    dataset: Dataset
    transfer_syntax: str
    file_bytes: int
    has_pixels: bool
    pixel_start: int | None = None
    pixel_bytes: int | None = None
    num_fragments: int = 0
    num_pictures: int = 0
    is_cut: bool = False


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins with these 132 bytes or more is DICOM, by preamble or looks."""
    return head[128:132] == b"DICM" or _looks_bare(head)


def open_header(path: Path, keywords: tuple[str, ...]) -> OpenedHeader:
    """Parse a header; of its elements, those named in ``keywords`` are kept.

    Raises
    ------
    InputError
        If the file cannot be opened, is no DICOM, or is damaged before its pixels.
    """
    try:
        # By number, since pydicom's messages would quote the name, which holds the whole path.
        file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "refused"
        raise InputError(
            f"{path.name} cannot be opened ({reason}), expected a DICOM file; "
            "check the name and the permission to read it."
        ) from None
    with file, quiet("pydicom"):
        try:
            return _parse(file, path.name, keywords)
        except PARSER_ERRORS:
            # "from None": the library's own message may quote what the file holds.
            raise InputError(
                f"{path.name} is damaged: its DICOM header cannot be parsed; export it again."
            ) from None


def _parse(file: BufferedReader, name: str, keywords: tuple[str, ...]) -> OpenedHeader:
    head = file.read(_HEAD_BYTES)
    if not is_dicom(head):
        raise InputError(
            f"{name} is not DICOM: it has neither the preamble nor the first elements of one; "
            "choose the files that the scanner or the archive exported."
        )
    file.seek(0)
    if DEFLATED.encode() in head:
        _check_inflated(file, name)
    pixels: list[tuple[str | None, int]] = []
    dataset = read_partial(
        file,
        _stop_at_pixels(pixels),
        defer_size=MAX_ELEMENT_BYTES,
        force=True,
        specific_tags=[elements.tag(keyword) for keyword in keywords],
    )
    syntax = _transfer_syntax(dataset.file_meta)
    file_bytes = os.fstat(file.fileno()).st_size
    opened = OpenedHeader(
        dataset=dataset, transfer_syntax=syntax, file_bytes=file_bytes, has_pixels=bool(pixels)
    )
    if not pixels:
        return opened
    return _with_pixels(opened, file, *pixels[0])


def _transfer_syntax(meta: Dataset) -> str:
    # The parser has turned what it needs itself into text.
    return str(meta.get("TransferSyntaxUID", None) or "")


def _stop_at_pixels(
    found: list[tuple[str | None, int]],
) -> Callable[[BaseTag, str | None, int], bool]:
    """Stop the parser at the pixels, keeping the type and the length that are stated."""

    def stop(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag not in _PIXELS:
            return False
        found.append((vr, length))
        return True

    return stop


def _with_pixels(
    opened: OpenedHeader, file: BufferedReader, vr: str | None, length: int
) -> OpenedHeader:
    """Look behind the header: the parser has stopped where the element of the pixels begins."""
    if opened.transfer_syntax == DEFLATED:  # the parser has read a copy in memory
        return opened
    start = file.tell() + (8 if vr is None else 12)
    if length != _UNDEFINED:
        present = min(length, max(opened.file_bytes - start, 0))
        return replace(opened, pixel_start=start, pixel_bytes=present)
    num_fragments, num_pictures, is_cut = _count_fragments(file, start, opened.file_bytes)
    return replace(
        opened,
        pixel_start=start,
        num_fragments=num_fragments,
        num_pictures=num_pictures,
        is_cut=is_cut,
    )


def _count_fragments(file: BufferedReader, start: int, file_bytes: int) -> tuple[int, int, bool]:
    """Walk the fragments by their lengths; the first item is an offset table (PS3.5, A.4)."""
    num_items, num_pictures, at = 0, 0, start
    while True:
        file.seek(at)
        head = file.read(8 + MARK_BYTES)
        # A file that ends with a whole fragment lacks its delimiter only; pydicom reads it too.
        if len(head) < 8 or not head.startswith(_ITEM):
            return max(num_items - 1, 0), num_pictures, False
        length = struct.unpack_from("<4xL", head)[0]
        at += 8 + length
        if at > file_bytes:
            return max(num_items - 1, 0), num_pictures, True
        num_pictures += num_items > 0 and begins_picture(head[8 : 8 + length])
        num_items += 1


def _check_inflated(file: BufferedReader, name: str) -> None:
    """Refuse a deflated file that would not fit, before the parser inflates it.

    Raises
    ------
    InputError
        If it inflates to more than ``MAX_INFLATED_BYTES``.
    """
    # Not by the parser's own function for a whole header: it inflates before it asks.
    file.seek(_META_START)
    meta = {
        element.tag: element.value
        for element in data_element_generator(
            file, is_implicit_VR=False, is_little_endian=True, stop_when=_is_past_meta
        )
    }
    if bytes(meta.get(Tag(0x00020010)) or b"").rstrip(b"\0 ") == DEFLATED.encode():
        inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        chunk = file.read(2**16)
        while chunk and not inflate.eof and size <= MAX_INFLATED_BYTES:
            size += len(inflate.decompress(chunk, 2**20))
            chunk = inflate.unconsumed_tail or file.read(2**16)
        if size > MAX_INFLATED_BYTES:
            raise InputError(
                f"{name} inflates to more than {MAX_INFLATED_BYTES // 2**20} MiB, expected one "
                "image; have it exported without compression."
            )
    file.seek(0)


def _is_past_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag >> 16 != 0x0002


def _looks_bare(head: bytes) -> bool:
    """Whether these are the first elements of a file that has no preamble.

    Group 2 or 8 comes first in every dataset. Its first element must also be short, and be
    followed by one of the same groups with a larger number, which hardly any other file fulfils.
    """
    for order in "<>":
        at, previous = 0, (0, -1)
        num_elements = 0
        while at + 8 <= len(head):
            element = struct.unpack_from(f"{order}HH", head, at)
            if element[0] not in (0x0002, 0x0008) or element <= previous:
                break
            length = _bare_length(head, at, order)
            if length is None:
                break
            num_elements, previous = num_elements + 1, element
            at += length
        if num_elements >= 2 or (num_elements == 1 and at >= len(head)):
            return True
    return False


def _bare_length(head: bytes, at: int, order: str) -> int | None:
    """Bytes from this element to the next; None where no element has such a type or length."""
    vr = head[at + 4 : at + 6]
    if vr.isalpha() and vr.isupper():
        long_form = vr in (b"OB", b"OW", b"SQ", b"UN", b"UT")
        if long_form:
            return None
        (length,) = struct.unpack_from(f"{order}H", head, at + 6)
    else:
        (length,) = struct.unpack_from(f"{order}L", head, at + 4)
    return 8 + length if length % 2 == 0 and length <= 1024 else None
