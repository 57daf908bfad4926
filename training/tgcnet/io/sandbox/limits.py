"""What one request may take: time everywhere, memory on Linux.

The window's process ends a child that is late, on every system. On POSIX the system ends it too,
should the window's process be gone. Only Linux tells and limits a process's address space; on
Windows and macOS time alone is limited, and what :func:`tgcnet.io.decoded.announce` refuses.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

SECONDS = 10.0
"""For the headers of a file, one slice, one picture."""

BYTES_PER_SECOND = 20e6
"""Larger volumes get this much more time: the slowest decoder met is five times as fast."""

SPARE_BYTES = 300_000_000
"""Above what the process has when a request comes; a file whose size was checked gets more."""

COVERED_BYTES = 100_000_000
"""An image that needs no more gets along with what every request may take."""

_GRACE_SECONDS = 2.0
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


def address_space() -> int | None:
    """Bytes of address space that this process has; None where the system does not tell."""
    if not _MEMORY_OF_THIS_PROCESS.is_file():
        return None
    return int(_MEMORY_OF_THIS_PROCESS.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def free_memory() -> int | None:
    """Bytes that the system can still give without swapping; None where it does not tell."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.is_file():
        return None
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    available = lines.get("MemAvailable")
    return None if available is None else int(available.split()[0]) * 1024


def forbid_core_dumps() -> None:
    """A dump would put the patient's image on disk."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_memory(spare: int | None) -> None:
    used = address_space()
    if used is None:
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = hard if spare is None else used + spare
    is_above = hard != resource.RLIM_INFINITY and wanted > hard
    resource.setrlimit(resource.RLIMIT_AS, (hard if is_above else wanted, hard))


def _limit_time(seconds: float | None) -> None:
    """Let the system end this process later than its parent would; None lifts the limit."""
    if os.name == "posix":
        # The signal's default action: it ends even a decoder that never comes back to Python.
        signal.setitimer(signal.ITIMER_REAL, 0 if seconds is None else seconds + _GRACE_SECONDS)
