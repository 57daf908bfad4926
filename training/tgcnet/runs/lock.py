"""Whether a run is under way: its process holds a lock that the system takes back at its end."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.io.atomic import not_written

LOCK_FILE = "process"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[None]:
    """Hold a run's folder; the lock ends with the process, however that ends.

    Raises
    ------
    InputError
        If another process holds it.
    OutputError
        If the folder cannot be written.
    """
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise not_written(f"The run's folder {folder.name}", error) from None
    try:
        if not _lock(descriptor):
            raise InputError(
                f"{folder.name} is the folder of a run that is under way, expected one that "
                "nobody works in; wait for its end, stop it, or name another folder."
            )
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def process_of(folder: Path) -> int | None:
    """The number of the process that works in a run's folder; None where none does."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR)
    except OSError:
        return None
    try:
        if _lock(descriptor):
            return None
        text = os.pread(descriptor, 32, 0) if hasattr(os, "pread") else os.read(descriptor, 32)
    finally:
        os.close(descriptor)
    return int(text) if text.isdigit() else None


def _lock(descriptor: int) -> bool:
    """Take the lock if it is free; it is given back when the file is closed."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte far behind the text: Windows lets nobody read what is locked.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
