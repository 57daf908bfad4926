"""Whether a run is under way: its process holds a lock that the system takes back at its end."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.io.atomic import not_written

LOCK_FILE = "process"

_NUMBER_BYTES = 16
# Whoever looks holds the lock for an instant, and whoever has just taken it has to write a number.
_TRIES, _BETWEEN_S = 10, 0.02


@contextlib.contextmanager
def running(folder: Path) -> Iterator[None]:
    """Hold a run's folder; the lock ends with the process, however that ends.

    Raises
    ------
    InputError
        If another process holds it.
    OutputError
        If the folder cannot be written, or lies on a disk that knows no locks.
    """
    try:
        descriptor = _take(folder)
    except OSError as error:
        raise not_written(f"The run's folder {folder.name}", error) from None
    try:
        yield
    finally:
        # A number that outlives its process may become that of another one.
        with contextlib.suppress(OSError):
            _write_number(descriptor, "")
        os.close(descriptor)


def process_of(folder: Path) -> int | None:
    """The number of the process that works in a run's folder; None where none does."""
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR)
    except OSError:
        return None  # no run was ever begun there
    try:
        for _ in range(_TRIES):
            if _lock(descriptor, is_shared=True):
                return None
            text = _read_number(descriptor)
            if text.isdigit():
                return int(text)
            time.sleep(_BETWEEN_S)
    except OSError:
        return None  # a disk that knows no locks: nobody can hold one there
    finally:
        os.close(descriptor)
    return None


def _take(folder: Path) -> int:
    """The descriptor that holds the lock; OSError where the system refuses something."""
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _lock_in_time(descriptor):
            raise InputError(
                f"{folder.name} is the folder of a run that is under way, expected one that "
                "nobody works in; wait for its end, stop it, or name another folder."
            )
        _write_number(descriptor, str(os.getpid()))
    except (OSError, InputError):
        os.close(descriptor)
        raise
    return descriptor


def _lock_in_time(descriptor: int) -> bool:
    for _ in range(_TRIES):
        if _lock(descriptor, is_shared=False):
            return True
        time.sleep(_BETWEEN_S)
    return False


def _lock(descriptor: int, *, is_shared: bool) -> bool:
    """Take the lock if it is free; it is given back when the file is closed.

    Several may share it at once, on Windows one. OSError where it cannot be asked for at all.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte far behind the text: Windows lets nobody read what is locked.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _write_number(descriptor: int, number: str) -> None:
    """Always as many bytes, so that nothing is cut off a file that is locked."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, number.ljust(_NUMBER_BYTES).encode())


def _read_number(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, _NUMBER_BYTES).decode(errors="replace").strip()
