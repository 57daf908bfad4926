"""Values of a DICOM header, taken from their bytes: what is broken reads as absent.

pydicom converts values too, but warns about broken ones by quoting them, and a quoted value may
be a patient's name. So only its parser is used here, and the numbers are read below.
"""

import math
import struct
from collections.abc import Sequence
from functools import cache

from pydicom.charset import decode_bytes
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.tag import BaseTag, Tag

from tgcnet.io.decoded import DECODER_ERRORS

MAX_TEXT = 256
"""Four times what the standard allows an identifier; the rest of a longer text is cut off."""

PARSER_ERRORS = (*DECODER_ERRORS, BytesLengthException, InvalidDicomError)
"""What pydicom answers damaged bytes with, beside what every decoder does."""

_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
_DELIMITERS = {0x0A, 0x0C, 0x0D, 0x5C}  # each resets the character set (PS3.5, 6.1.2.5.3)


@cache
def tag(keyword: str) -> BaseTag:
    """Look up an element's number by its name.

    Raises
    ------
    KeyError
        If the dictionary has no such name.
    """
    number = tag_for_keyword(keyword)
    if number is None:
        raise KeyError(keyword)
    return Tag(number)


def value_bytes(dataset: Dataset, keyword: str) -> bytes:
    """Bytes as stored; empty where the element is absent or too large to have been read."""
    element = _element(dataset, keyword)
    return element.value or b"" if isinstance(element, RawDataElement) else b""


def text(dataset: Dataset, keyword: str) -> str:
    """First value as text, without what cannot be printed."""
    values = texts(dataset, keyword)
    return values[0] if values else ""


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """All values, in the file's character set; () where the element is absent or empty."""
    stored = value_bytes(dataset, keyword).rstrip(b"\0 ")
    if not stored:
        return ()
    return tuple(_printable(one) for one in _decode(stored, dataset).split("\\"))


def decimals(dataset: Dataset, keyword: str | BaseTag) -> tuple[float, ...]:
    """All values as finite numbers; () where there is none, or one of them is not a number."""
    element = _element(dataset, keyword)
    if not isinstance(element, RawDataElement) or not element.value:
        return ()
    vr = element.VR
    if vr in (None, "UN"):  # not stated; the standard's
        vr = dictionary_VR(element.tag)
    try:
        if vr in _BINARY:
            values = _unpack(element, _BINARY[vr])
        else:
            parts = element.value.decode("ascii").rstrip("\0 ").split("\\")
            # Python reads "1_0" as ten, DICOM does not.
            values = tuple(float("nan" if "_" in part else part) for part in parts)
    except (ValueError, OverflowError, struct.error):
        return ()
    return values if all(math.isfinite(value) for value in values) else ()


def decimal(dataset: Dataset, keyword: str) -> float | None:
    """First value as a finite number."""
    values = decimals(dataset, keyword)
    return values[0] if values else None


def integer(dataset: Dataset, keyword: str, default: int = -1) -> int:
    """First value as a whole number, or ``default``."""
    value = decimal(dataset, keyword)
    return int(value) if value is not None and value == int(value) else default


def shorts(dataset: Dataset, keyword: str | BaseTag, *, is_signed: bool = False) -> tuple[int, ...]:
    """All values of 16 bits; () where the element is absent or has no whole number of them.

    Parameters
    ----------
    is_signed : takes precedence over the stated type, which is free where the standard says
        "US or SS"
    """
    element = _element(dataset, keyword)
    if not isinstance(element, RawDataElement) or not element.value:
        return ()
    if element.VR not in (None, "US", "SS", "UN", "OB", "OW"):
        return tuple(int(value) for value in decimals(dataset, keyword) if value == int(value))
    try:
        return tuple(int(value) for value in _unpack(element, "h" if is_signed else "H"))
    except struct.error:
        return ()


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """Datasets in a sequence; none where it is absent or damaged."""
    element = _element(dataset, keyword)
    if element is None or (isinstance(element, RawDataElement) and not element.value):
        return ()
    try:
        found = dataset[tag(keyword)].value
    except PARSER_ERRORS:
        return ()
    is_sequence = element.VR in (None, "SQ", "UN") and not isinstance(found, str | bytes)
    return tuple(found) if is_sequence and isinstance(found, Sequence) else ()


def has(dataset: Dataset, keyword: str) -> bool:
    """Whether the element is there at all."""
    return tag(keyword) in dataset


def _element(dataset: Dataset, keyword: str | BaseTag) -> DataElement | RawDataElement | None:
    number = tag(keyword) if isinstance(keyword, str) else keyword
    return dataset.get_item(number, keep_deferred=True)


def _unpack(element: RawDataElement, code: str) -> tuple[float, ...]:
    stored = element.value or b""
    order = "<" if element.is_little_endian else ">"
    layout = f"{order}{len(stored) // struct.calcsize(f'<{code}')}{code}"
    return tuple(float(value) for value in struct.unpack(layout, stored))


def _decode(stored: bytes, dataset: Dataset) -> str:
    if stored.isascii() and b"\x1b" not in stored:
        return stored.decode("ascii")
    encodings = dataset.original_character_set
    if isinstance(encodings, str):
        encodings = [encodings]
    if b"\x1b" in stored:
        return decode_bytes(stored, list(encodings), _DELIMITERS)
    return stored.decode(encodings[0], errors="replace")


def _printable(value: str) -> str:
    if not value.isprintable():
        value = "".join(c for c in value if c.isprintable())
    return value.strip()[:MAX_TEXT]
