"""A zip of DICOM files, unpacked into a folder of this process's own."""

import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from lzma import LZMAError
from pathlib import Path, PurePosixPath, PureWindowsPath

from tgcnet.errors import Cancelled, InputError
from tgcnet.io.decoded import DECODER_ERRORS

MAX_ENTRIES = 20_000
"""Ten large CT studies."""

MAX_BYTES = 8 * 2**30
"""Of all entries, unpacked."""

MAX_RATIO = 100
"""Unpacked to packed, from ``SMALL_BYTES`` on: a CT packs to a half, one of mostly air to a
twentieth; a bomb packs to a thousandth."""

SMALL_BYTES = 256 * 2**20

_ENCRYPTED = 0x1
_CHUNK_BYTES = 2**20
_BROKEN = (*DECODER_ERRORS, zipfile.BadZipFile, LZMAError, zlib.error, struct.error)
# By place, time and size of the archive. Each is removed when the process ends: series are decoded
# slice by slice, so that nobody can say earlier that its files are no longer needed.
_unpacked: dict[tuple[Path, int, int], tempfile.TemporaryDirectory[str]] = {}


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a zip archive."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def unpack(
    archive: Path,
    *,
    max_bytes: int = MAX_BYTES,
    max_entries: int = MAX_ENTRIES,
    on_progress: Callable[[float], object] | None = None,
) -> Path:
    """Unpack into a temporary folder, which is removed when the process ends, and only once.

    Every entry gets a folder of its own, so that no name in the archive decides where it lies.
    Entries of macOS's own and hidden ones are left out; archives within are not opened.

    Parameters
    ----------
    on_progress : receives the finished fraction in [0, 1]; returning False stops

    Raises
    ------
    InputError
        If the archive is damaged, encrypted, too large as declared or as unpacked, or holds a
        link or a name that leads outside; nothing of it is left then.
    Cancelled
        If ``on_progress`` returned False.
    """
    state = archive.stat()
    key = (archive, state.st_mtime_ns, state.st_size)
    if key in _unpacked and Path(_unpacked[key].name).is_dir():
        return Path(_unpacked[key].name)
    folder = tempfile.TemporaryDirectory(prefix="tgcnet-")
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = _checked(opened, archive, max_bytes, max_entries)
            _check_room(sum(entry.file_size for entry in entries), folder.name, archive.name)
            for index, entry in enumerate(entries):
                _unpack_entry(opened, entry, Path(folder.name, f"{index:05d}"), archive.name)
                if on_progress is not None and on_progress((index + 1) / len(entries)) is False:
                    raise Cancelled("The archive was not unpacked to its end.")
    except _BROKEN as error:
        folder.cleanup()
        # "from None": the library's own message quotes names, which may be a patient's.
        reason = getattr(error, "strerror", None) or "damaged or packed in an unusual way"
        raise InputError(
            f"{archive.name} cannot be unpacked ({reason}), expected a zip of DICOM files; copy "
            "it again, or unpack it yourself and choose the folder."
        ) from None
    except BaseException:
        folder.cleanup()
        raise
    _unpacked[key] = folder
    return Path(folder.name)


def _checked(
    opened: zipfile.ZipFile, archive: Path, max_bytes: int, max_entries: int
) -> list[zipfile.ZipInfo]:
    """Find the entries worth unpacking, having seen that none is dangerous."""
    name = archive.name
    listed = opened.infolist()
    if len(listed) > max_entries:
        raise InputError(
            f"{name} holds {len(listed):,} files, expected at most {max_entries:,}; unpack the "
            "study you want yourself and choose its folder."
        )
    for entry in listed:
        _check_entry(entry, name)
    declared = sum(entry.file_size for entry in listed)
    allowed = min(max_bytes, max(SMALL_BYTES, MAX_RATIO * archive.stat().st_size))
    if declared > allowed:
        raise InputError(
            f"{name} unpacks to {declared:,} bytes, expected at most {allowed:,} of an archive of "
            "this size; unpack the study you want yourself and choose its folder."
        )
    return [entry for entry in listed if not entry.is_dir() and not _is_hidden(entry.filename)]


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise InputError(
            f"{name} is encrypted, expected an archive without a password; unpack it yourself and "
            "choose the folder."
        )
    for path in (PurePosixPath(entry.filename), PureWindowsPath(entry.filename)):
        if path.is_absolute() or path.drive or path.root or ".." in path.parts:
            raise InputError(
                f"{name} holds a file whose name leads outside the archive, expected names within "
                "it; do not trust this archive, ask where it came from."
            )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(
            f"{name} holds a link to another file, expected files only; unpack it yourself and "
            "choose the folder."
        )


def _is_hidden(entry: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(entry).parts)


def _check_room(num_bytes: int, folder: str, name: str) -> None:
    free = shutil.disk_usage(folder).free
    if num_bytes > free:
        raise InputError(
            f"{name} unpacks to {num_bytes:,} bytes, but the disk for temporary files has "
            f"{free:,} left; free some, or unpack it elsewhere and choose the folder."
        )


def _unpack_entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, name: str) -> None:
    """Write an entry, counting: what it declares is only what it says of itself."""
    folder.mkdir()
    # The name is only shown; what a file system may stumble over goes.
    shown = re.sub(r"[^\w.+-]", "_", PurePosixPath(entry.filename).name)[-100:]
    written = 0
    with opened.open(entry) as source, (folder / shown).open("xb") as target:
        while chunk := source.read(_CHUNK_BYTES):
            written += len(chunk)
            if written > entry.file_size:
                raise InputError(
                    f"{name} unpacks to more than it declares, expected an honest archive; do not "
                    "trust it, ask where it came from."
                )
            target.write(chunk)
