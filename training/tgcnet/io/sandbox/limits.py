"""What one request may take of time and memory, and who sees to it.

The window's process ends a child that is late, on every system. On POSIX the system ends it too,
should the window's process be gone. Memory is limited by Linux itself; on Windows and macOS, which
limit no process's address space, the window's process looks (:class:`MemoryWatch`).
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

SECONDS = 10.0
"""For the headers of a file, one slice, one picture."""

BYTES_PER_SECOND = 20e6
"""Larger volumes get this much more time: the slowest decoder met is five times as fast."""

SPARE_BYTES = 300_000_000
"""Above what the process has when a request comes; a file whose size was checked gets more."""

COVERED_BYTES = 100_000_000
"""An image that needs no more gets along with what every request may take."""

IS_MEMORY_LIMITED_BY_SYSTEM = sys.platform == "linux"

_GRACE_SECONDS = 2.0
_SECONDS_BETWEEN_LOOKS = 0.02
_MEMORY_OF_THIS_PROCESS = Path("/proc/self/statm")


def seconds_for(num_bytes: int) -> float:
    """Time for a request that works on so many bytes."""
    return SECONDS + num_bytes / BYTES_PER_SECOND


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Hold this process to the limits of one request."""
    _limit_memory(SPARE_BYTES)
    _limit_time(SECONDS)
    try:
        yield
    finally:
        _limit_time(None)
        _limit_memory(None)


def widen(num_bytes: int) -> None:
    """Grant memory and time for an image of a size that was checked."""
    _limit_memory(SPARE_BYTES + num_bytes)
    _limit_time(seconds_for(num_bytes))


def renew_time() -> None:
    """Grant the time of one file again, because one is done."""
    _limit_time(SECONDS)


def address_space() -> int:
    """Bytes of address space that this process has; Linux only."""
    return int(_MEMORY_OF_THIS_PROCESS.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def free_memory() -> int:
    """Bytes that the system can still give without swapping."""
    return int(psutil.virtual_memory().available)


def forbid_core_dumps() -> None:
    """A dump would put the patient's image on disk."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_memory(spare: int | None) -> None:
    if not IS_MEMORY_LIMITED_BY_SYSTEM:
        return
    import resource

    used = address_space()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = hard if spare is None else used + spare
    is_above = hard != resource.RLIM_INFINITY and wanted > hard
    resource.setrlimit(resource.RLIMIT_AS, (hard if is_above else wanted, hard))


def _limit_time(seconds: float | None) -> None:
    """Let the system end this process later than its parent would; None lifts the limit."""
    if os.name == "posix":
        # The signal's default action: it ends even a decoder that never comes back to Python.
        signal.setitimer(signal.ITIMER_REAL, 0 if seconds is None else seconds + _GRACE_SECONDS)


class MemoryWatch:
    """Kills a process that grows beyond one request's memory while inside the ``with``.

    What it has when the ``with`` begins is not counted. On Linux nothing is watched: there the
    child has itself limited (:func:`limited`), and fails at once.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended = threading.Event()
        self._granted = SPARE_BYTES
        self.is_over = False

    def __enter__(self) -> "MemoryWatch":
        if not IS_MEMORY_LIMITED_BY_SYSTEM:
            base = _resident(self._process)
            if base is not None:
                threading.Thread(target=self._watch, args=(base,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def grant(self, num_bytes: int) -> None:
        """Allow so much more: for an image whose size was checked."""
        self._granted = SPARE_BYTES + num_bytes

    def _watch(self, base: int) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            now = _resident(self._process)
            if now is None:
                return
            if now - base > self._granted:
                self.is_over = True
                self._process.kill()
                return


def _resident(process: subprocess.Popen[bytes]) -> int | None:
    """Bytes that a process holds; None once it is gone."""
    try:
        return int(psutil.Process(process.pid).memory_info().rss)
    except psutil.Error:
        return None
