"""What a file, a folder, a DICOMDIR or a zip holds: headers only, no pixels."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tgcnet.errors import Cancelled, InputError
from tgcnet.io.dicom import elements
from tgcnet.io.dicom.archive import is_zip, unpack
from tgcnet.io.dicom.arrange import arrange, warn_of_several_patients
from tgcnet.io.dicom.open_header import is_dicom, open_header
from tgcnet.io.dicom.read_header import NoImageError, read_headers
from tgcnet.io.dicom.series import FrameHeader, Listing, Skipped, warning
from tgcnet.io.formats import DICOM, DICOMDIR, format_of

MAX_FILES = 100_000
"""Fifty large CT studies; more is a drive, chosen by mistake."""

DIRECTORY_CLASS = "1.2.840.10008.1.3.10"

OnProgress = Callable[[float], object]

_HEAD_BYTES = 132
_RECORDS = ("DirectoryRecordSequence",)


def list_studies(path: Path, on_progress: OnProgress | None = None) -> Listing:
    """List the series that lie somewhere, with what is wrong with each.

    Parameters
    ----------
    path : a DICOM file; a folder, searched with the folders within, hidden files aside; a
        DICOMDIR, for the files it names; a zip, unpacked for as long as this process lives
    on_progress : receives the finished fraction in [0, 1]; returning False stops

    Raises
    ------
    InputError
        If the path is absent or cannot be searched, or a single file is no DICOM image.
    Cancelled
        If ``on_progress`` returned False.
    """
    path = Path(path).absolute()  # "." has no name that a sentence could say
    found = _files_at(path, on_progress)
    if found.files == (path,):
        return Listing(series=arrange(read_headers(path)))
    frames: list[FrameHeader] = []
    skipped = list(found.skipped)
    num_broken = found.num_absent + len(found.skipped)
    for index, file in enumerate(found.files):
        try:
            frames += read_headers(file)
        except NoImageError as error:
            skipped.append(Skipped(name=file.name, reason=str(error)))
        except InputError as error:
            is_broken, reason = _judge(file, str(error))
            num_broken += is_broken
            skipped.append(Skipped(name=file.name, reason=reason))
        _report(on_progress, found.start + (1 - found.start) * (index + 1) / len(found.files))
    series = warn_of_several_patients(arrange(frames))
    if num_broken:
        remark = warning(
            "unreadable-files",
            f"Files or folders here that cannot be read or found: {num_broken}, expected none; "
            "slices of this series may be missing at its ends, copy or export it again.",
        )
        series = tuple(replace(one, remarks=(*one.remarks, remark)) for one in series)
    return Listing(series=series, skipped=tuple(skipped))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """Files to read; folders that cannot be; how many files are named but absent.

    ``start`` is the share of the work that is done.
    """

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()
    num_absent: int = 0
    start: float = 0.0


def _files_at(path: Path, on_progress: OnProgress | None) -> _Found:
    if os.path.isdir(path):  # Path.is_dir raises where a folder above may not be read
        return _walk(path, path.name)
    head = _head(path)
    if is_zip(head):
        folder = unpack(path, on_progress=lambda done: _report(on_progress, done / 2))
        return replace(_walk(folder, path.name), start=0.5)
    if is_dicom(head) and is_directory(path):
        files, num_absent = referenced_files(path)
        return _Found(files=files, num_absent=num_absent)
    return _Found(files=(path,))


def _walk(folder: Path, name: str) -> _Found:
    """Find the files below, in order of their names; links are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    files: list[Path] = []
    refused: list[Skipped] = []

    def note(error: OSError) -> None:
        where = Path(error.filename or "").name
        reason = f"{where} cannot be searched ({error.strerror}), expected a folder of files; "
        refused.append(Skipped(name=where, reason=reason + "check the permission to read it."))

    for root, folders, names in os.walk(folder, followlinks=True, onerror=note):
        state = os.stat(root)
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        # Pipes and devices would block or never end; a broken link is no file either.
        files += [Path(root, one) for one in sorted(names) if _is_wanted(root, one)]
        if len(files) > MAX_FILES:
            raise InputError(
                f"{name} holds more than {MAX_FILES:,} files, expected a study or a few; "
                "choose a folder further down."
            )
    return _Found(files=tuple(files), skipped=tuple(refused))


def _is_wanted(root: str, name: str) -> bool:
    is_hidden = name.startswith(".") or name.upper() == DICOMDIR
    return not is_hidden and os.path.isfile(os.path.join(root, name))


def _report(on_progress: OnProgress | None, fraction: float) -> None:
    """Report how far the work is.

    Raises
    ------
    Cancelled
        If the listener returned False.
    """
    if on_progress is not None and on_progress(fraction) is False:
        raise Cancelled("The search for images was stopped.")


def _judge(file: Path, reason: str) -> tuple[bool, str]:
    """Whether a file that could not be read may have been a slice, and why it was skipped."""
    try:
        head = _head(file)
    except InputError:
        return True, reason
    if is_zip(head):
        return False, (
            f"{file.name} is an archive within a folder or an archive, which is not opened; "
            "choose it alone."
        )
    # An empty file says nothing of what it was, and a slice that lost its head has its name.
    is_named = format_of(file, (DICOM,)) is not None
    return not head or is_named or is_dicom(head), reason


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
        reason = getattr(error, "strerror", None) or "refused"
        raise InputError(
            f"{file.name} cannot be opened ({reason}), expected a DICOM file or a folder of them; "
            "check the name and the permission to read it."
        ) from None


def is_directory(path: Path) -> bool:
    """Whether a file is a DICOMDIR, by what is in it.

    Raises
    ------
    InputError
        If it is no DICOM file.
    """
    opened = open_header(path, ("SOPClassUID", *_RECORDS))
    try:
        kind = str(opened.dataset.file_meta.get("MediaStorageSOPClassUID", None) or "")
    except elements.PARSER_ERRORS:  # damaged: no directory then
        kind = ""
    return kind == DIRECTORY_CLASS or elements.has(opened.dataset, *_RECORDS)


def referenced_files(path: Path) -> tuple[tuple[Path, ...], int]:
    """Find the files it names, and count those that it names but that are not there.

    Raises
    ------
    InputError
        If it cannot be read, or names a file outside its own folder.
    """
    root = path.parent.resolve()
    found: dict[Path, None] = {}
    num_absent = 0
    for record in elements.items(open_header(path, _RECORDS).dataset, *_RECORDS):
        parts = elements.texts(record, "ReferencedFileID")
        if not parts:
            continue
        file = _within(root, parts)
        if file is None:
            raise InputError(
                f"{path.name} names a file outside its own folder, expected files beside it; do "
                "not trust this disc, ask where it came from."
            )
        if file.is_file():
            found[file] = None
        else:
            num_absent += 1
    return tuple(found), num_absent


def _within(root: Path, parts: tuple[str, ...]) -> Path | None:
    if any(part in ("", ".", "..") or set(part) & set("/\\:\0") for part in parts):
        return None
    file = root.joinpath(*parts)
    if not file.exists():
        # Discs hold upper-case names, which some systems copy as lower case.
        file = root.joinpath(*(part.lower() for part in parts))
    file = file.resolve()
    return file if file.is_relative_to(root) else None
