"""Whether a run is under way: its process holds a lock that the system takes back at its end."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tgcnet.errors import InputError
from tgcnet.io.atomic import not_written

LOCK_FILE = "process"
"""Earlier versions locked the same file, and wrote the number of their process into it."""

PID_FILE = "process.pid"
"""Apart from the lock: Windows lets nobody read what is locked."""

# A process that looks holds the lock for an instant; one that starts has yet to write its number.
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
    lock = _lock_of(folder)
    try:
        folder.stat()  # the lock would make a folder that is gone
        lock.acquire(timeout=_TRIES * _BETWEEN_S, poll_interval=_BETWEEN_S)
        (folder / PID_FILE).write_text(str(os.getpid()), encoding="ascii")
    except Timeout:  # an OSError, too
        raise InputError(
            f"{folder.name} is the folder of a run that is under way, expected one that "
            "nobody works in; wait for its end, stop it, or name another folder."
        ) from None
    except (OSError, NotImplementedError) as error:
        lock.release()
        reason = error if isinstance(error, OSError) else OSError(str(error))
        raise not_written(f"The run's folder {folder.name}", reason) from None
    try:
        yield
    finally:
        # A number that outlives its process may become that of another one.
        with contextlib.suppress(OSError):
            (folder / PID_FILE).write_text("", encoding="ascii")
        lock.release()


def process_of(folder: Path) -> int | None:
    """The number of the process that works in a run's folder; None where none does."""
    if not (folder / LOCK_FILE).exists():
        return None  # no run was ever begun there
    seen = ""
    for _ in range(_TRIES):
        if not _is_locked(folder):
            return None
        number = _number_in(folder)
        # Twice: the lock may be held by a process that only looks, and the number be an old one.
        if number.isdigit() and number == seen:
            return int(number)
        seen = number
        time.sleep(_BETWEEN_S)
    return None


def _lock_of(folder: Path) -> FileLock:
    # Whichever thread ends the run gives it back.
    return FileLock(folder / LOCK_FILE, mode=0o600, thread_local=False)


def _is_locked(folder: Path) -> bool:
    try:
        with _lock_of(folder).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False  # a disk that knows no locks: nobody can hold one there


def _number_in(folder: Path) -> str:
    for name in (PID_FILE, LOCK_FILE):
        with contextlib.suppress(OSError):
            if number := (folder / name).read_text(encoding="ascii", errors="replace").strip():
                return number
    return ""
