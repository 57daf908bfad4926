"""A DICOMDIR: the files that a disc's table of contents names, never outside its folder."""

from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.io.dicom import elements
from tgcnet.io.dicom.open_header import open_header

DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_KEYWORDS = ("DirectoryRecordSequence",)


def is_directory(path: Path) -> bool:
    """Whether a file is a DICOMDIR, by what is in it.

    Raises
    ------
    InputError
        If it is no DICOM file.
    """
    opened = open_header(path, ("SOPClassUID", *_KEYWORDS))
    try:
        kind = str(opened.dataset.file_meta.get("MediaStorageSOPClassUID", None) or "")
    except elements.PARSER_ERRORS:  # damaged: no directory then
        kind = ""
    return kind == DIRECTORY_CLASS or elements.has(opened.dataset, *_KEYWORDS)


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
    for record in elements.items(open_header(path, _KEYWORDS).dataset, *_KEYWORDS):
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
