"""The one helper that writes a file whole or not at all."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from tgcnet.errors import OutputError
from tgcnet.io.formats import ending_of

_ADVICE = {
    errno.ENOSPC: "the disk is full. Free some space or choose another folder",
    errno.EDQUOT: "your quota on that disk is used up. Free some space or choose another folder",
    errno.EACCES: "writing there is not permitted. Choose another folder or ask for the permission",
    errno.EPERM: "writing there is not permitted. Choose another folder or ask for the permission",
    errno.EROFS: "the disk is read-only. Choose another folder",
    errno.EFBIG: "files of that size are not allowed there. Choose another folder",
}


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then put it in ``path``'s place.

    Whoever reads ``path`` meanwhile sees the old file or the new one, never a part of it.

    Parameters
    ----------
    path : the target; its folder has to exist
    write : receives a path that does not exist yet and has the target's ending, since many
        libraries choose the format by it

    Raises
    ------
    OutputError
        If the file cannot be written; what stood at ``path`` is intact, nothing is left beside it.

    Notes
    -----
    A symbolic link stays one: the file it leads to is replaced.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path.name} is a folder, expected a file name; add one with an ending.")
    if not path.parent.is_dir():
        raise OutputError(
            f"{path.name} cannot be written: its folder does not exist. Create the folder first."
        )
    if is_write_protected(path):
        raise OutputError(
            f"{path.name} is write-protected, so it stays as it is. Lift the protection or choose "
            "another name."
        )
    target = Path(os.path.realpath(path))
    # Not mkstemp: it would give the result mode 0600, whatever the user's umask says.
    temporary = target.with_name(f".tgcnet-{secrets.token_hex(6)}{ending_of(path).lower()}")
    try:
        write(temporary)
        flush_file(temporary)
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        # "from None": the system's own message holds the whole path, which may name a patient.
        raise not_written(path.name, error) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    flush_folder(target.parent)


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; errors as of :func:`write_atomically`.

    Tensors go this way, too: safetensors' own writing of a file raises an error that is no
    ``OSError``, so that a full disk would not be reported as one.
    """
    write_atomically(path, lambda temporary: _write_bytes(temporary, content))


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text as UTF-8, its line ends as they are; errors as of :func:`write_atomically`."""
    write_bytes_atomically(path, text.encode())


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def check_outside(path: Path, folder: Path, called: str) -> None:
    """Refuse to write where something else is kept, whatever links lead there.

    Parameters
    ----------
    called : the folder, in a sentence

    Raises
    ------
    OutputError
        If ``path`` is the folder or lies in it.
    """
    if path.resolve().is_relative_to(folder.resolve()):
        raise OutputError(
            f"{path.absolute().name} is {called} or lies in it, expected a place outside; choose "
            "another one."
        )


def is_write_protected(path: Path) -> bool:
    """Whether this file is protected from being replaced, which a rename would not notice.

    The permission bits are asked too: an administrator may write anything, but hardly wants to.
    """
    if not path.exists():
        return False
    return not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK)


def not_written(what: str, error: OSError) -> OutputError:
    """The sentence for a write that failed and left the old state; it names no path."""
    reason = _ADVICE.get(error.errno or 0) or f"{error.strerror or 'the system refused'}"
    return OutputError(f"{what} was not written, {reason}. What stood there before is unchanged.")


def flush_file(path: Path) -> None:
    """Have a file's bytes on the disk before anything names it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Have a folder's names on the disk."""
    # Some systems (Windows, a few network disks) cannot flush a folder; the file is in place.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
