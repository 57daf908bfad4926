"""Whether the file or the folder of an image is still the same, decided without reading it."""

import os
from pathlib import Path

FileState = tuple[str, int, int]
"""Its place within the folder, "" where it is the image itself; size in bytes; time in ns."""


def state_of(path: Path) -> tuple[FileState, ...]:
    """Place, size and time of every file of an image; a change of any is a change of the image.

    A folder's own time says nothing of files in it that were written over, as of a DICOM series.

    Raises
    ------
    OSError
        If a file or a folder cannot be asked.
    """
    if not path.is_dir():
        return (_state("", path),)
    files = [
        Path(parent) / name for parent, _, names in os.walk(path, onerror=_raise) for name in names
    ]
    return tuple(_state(str(file.relative_to(path)), file) for file in sorted(files))


def _state(place: str, file: Path) -> FileState:
    found = file.stat()
    return place, found.st_size, found.st_mtime_ns


def _raise(error: OSError) -> None:
    """A folder that cannot be listed is not the same as an empty one."""
    raise error
