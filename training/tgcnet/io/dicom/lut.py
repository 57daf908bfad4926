"""Lookup tables of a DICOM header, and the windows that it proposes for viewing."""

import math
import struct
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from tgcnet.domain import NamedWindow
from tgcnet.errors import InputError
from tgcnet.io.dicom.series import FrameHeader
from tgcnet.io.dicom.values import is_colour, is_inverted, uses_table, value_range


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupTable:
    """What each value becomes; those before the first and after the last become theirs.

    Attributes
    ----------
    entries : (N,) uint16
    first : value that the first entry is for
    top : largest value that the table's bits can hold
    """

    entries: np.ndarray
    first: int
    top: int

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(…) whole numbers to (…) uint16."""
        index = values.astype(np.int64) - self.first
        return self.entries[np.clip(index, 0, len(self.entries) - 1)]


def read_table(tables: Dataset, keyword: str, name: str, *, is_signed: bool) -> LookupTable:
    """Read the first item of a sequence of lookup tables.

    Parameters
    ----------
    is_signed : whether the values it is looked up with are; decides how its start is meant

    Raises
    ------
    InputError
        If it is damaged: no description of three numbers, or another number of entries.
    """
    items = tables.get(keyword)
    described = list(items[0].get("LUTDescriptor") or ()) if items else []
    if len(described) != 3 or not 1 <= int(described[2]) <= 16:
        raise InputError(f"{name} has a damaged lookup table ({keyword}); export it again.")
    num_entries, first, bits = (
        int(described[0]) % 2**16 or 2**16,
        int(described[1]),
        int(described[2]),
    )
    if is_signed and first >= 2**15:
        first -= 2**16
    entries = _entries(items[0].get("LUTData"), num_entries, tables)
    if len(entries) != num_entries:
        raise InputError(
            f"{name} has a lookup table ({keyword}) of {len(entries)} entries that declares "
            f"{num_entries}; export it again."
        )
    return LookupTable(entries=entries, first=first, top=max(2**bits - 1, int(entries.max())))


def _entries(data: object, num_entries: int, tables: Dataset) -> np.ndarray:
    """(N,) uint16: stored as words, as bytes, or as numbers that the parser has read."""
    if not isinstance(data, bytes):
        return np.atleast_1d(np.asarray(data if data is not None else (), dtype=np.uint16))
    if len(data) in (num_entries, num_entries + num_entries % 2) and num_entries > 1:
        return np.frombuffer(data[:num_entries], dtype=np.uint8).astype(np.uint16)
    order = ">" if tables.original_encoding[1] is False else "<"
    words = struct.unpack(f"{order}{len(data) // 2}H", data[: len(data) // 2 * 2])
    return np.asarray(words, dtype=np.uint16)


def windows_of(header: FrameHeader) -> tuple[NamedWindow, ...]:
    """Windows in the units of the decoded values, each once; those without a width are left out.

    None where the values went through a lookup table or are a picture's colours: the file's
    windows are meant for other numbers. Where the values were inverted, so are the windows.
    """
    if uses_table(header) or is_colour(header):
        return ()
    found: dict[tuple[float, float], NamedWindow] = {}
    for number, (explanation, centre, width) in enumerate(header.windows, start=1):
        # Half a grey level less on either side by the letter of the standard, which nobody sees.
        low, high = centre - width / 2, centre + width / 2
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            continue
        if is_inverted(header):
            low, high = (sum(value_range(header)) - end for end in (high, low))
        name = explanation or ("file" if len(header.windows) == 1 else f"file {number}")
        found.setdefault((low, high), NamedWindow(name=name, low=low, high=high))
    return tuple(found.values())
