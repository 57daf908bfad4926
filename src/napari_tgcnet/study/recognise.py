"""Quick checks by content whether a path is a study, so that other readers get the rest."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from lzma import LZMAError
from pathlib import Path
from typing import IO

from tgcnet.io.formats import DICOM, DICOMDIR, ZIP, format_of

_MAX_FILES_CHECKED = 100
"""A folder of which none of this many files is DICOM is taken for no study."""
_MAX_FILES, _MAX_ARCHIVE_BYTES = 200, 2**26
"""A folder or archive up to this size is listed in a fraction of a second."""
# Raised for an archive that is damaged, encrypted, or compressed by an unsupported method.
_UNREADABLE = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, zlib.error,
    LZMAError,
)  # fmt: skip
_PREAMBLE_BYTES, _MAGIC = 128, b"DICM"


def is_study(path: Path) -> bool:
    """Whether this is DICOM, or a folder or zip archive holding DICOM; no file is read whole."""
    name = path.name
    if format_of(name, (DICOM,)) or name.upper() == DICOMDIR:
        return True
    try:
        if path.is_dir():
            return any(_is_dicom(one) for one in islice(_files_in(path), _MAX_FILES_CHECKED))
        if format_of(name, (ZIP,)):
            return _holds_dicom(path)
        return _is_dicom(path)
    except OSError:  # napari itself reports what no reader can open
        return False


def is_large(path: Path) -> bool:
    """Whether listing it may take so long that the window must not wait for it."""
    if path.name.upper() == DICOMDIR:
        path = path.parent
    if path.is_dir():
        return sum(1 for _ in islice(_files_in(path), _MAX_FILES + 1)) > _MAX_FILES
    return path.stat().st_size > _MAX_ARCHIVE_BYTES and path.name.lower().endswith(".zip")


def _files_in(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        for name in names:
            yield Path(where, name)


def _is_dicom(path: Path) -> bool:
    if path.name.upper() == DICOMDIR:
        return True
    with path.open("rb") as file:
        return _has_magic(file)


def _holds_dicom(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in islice(archive.infolist(), _MAX_FILES_CHECKED):
                with archive.open(member) as file:
                    if _has_magic(file):
                        return True
    except _UNREADABLE:
        return False
    return False


def _has_magic(file: IO[bytes]) -> bool:
    return file.read(_PREAMBLE_BYTES + len(_MAGIC))[_PREAMBLE_BYTES:] == _MAGIC
