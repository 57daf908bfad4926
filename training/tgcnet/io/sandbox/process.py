"""The child as the system has it: its start, its pipes, its deadline and its end."""

import contextlib
import os
import signal
import subprocess
import sys
import threading

from tgcnet.errors import EngineError
from tgcnet.io.sandbox.protocol import read_answer
from tgcnet.ipc.process import end, opened, start_module

CHILD_MODULE = "tgcnet.io.sandbox.child"
SECONDS_TO_START = 180.0
"""A cold disk, a virus scanner and a machine that trains on all cores included."""

_SECONDS_TO_END = 1.0
_PIPE_BYTES = 2**20

# One thread: what libraries set aside for more would count as the file's.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_SCRATCH = ("TMPDIR", "TEMP", "TMP")


class Deadline:
    """Kills a process that is late, from the first :meth:`renew` to the end of the ``with``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._timer: threading.Timer | None = None
        self.seconds = 0.0
        self.is_over = False

    def __enter__(self) -> "Deadline":
        return self

    def __exit__(self, *_: object) -> None:
        self._cancel()

    def renew(self, seconds: float) -> None:
        """Count so many seconds from now."""
        self._cancel()
        self.seconds = seconds
        self._timer = threading.Timer(seconds, self._kill)
        self._timer.daemon = True
        self._timer.start()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _kill(self) -> None:
        self.is_over = True
        self._process.kill()


def start(scratch: str) -> subprocess.Popen[bytes]:
    """Start a child and wait until it is ready; what it unpacks goes to ``scratch``.

    Raises
    ------
    EngineError
        If it does not come up.
    """
    environment = {**os.environ, **_ONE_THREAD, **dict.fromkeys(_SCRATCH, scratch)}
    try:
        process = start_module(CHILD_MODULE, environment=environment)
    except OSError as error:
        raise EngineError(_CANNOT_START.format(error.strerror)) from error
    with Deadline(process) as deadline:
        deadline.renew(SECONDS_TO_START)
        ready = read_answer(opened(process.stdout))
    if ready is None:
        stop(process)
        raise EngineError(_CANNOT_START.format(f"exit status {process.returncode}"))
    _widen_pipe(process)
    return process


def send(process: subprocess.Popen[bytes], line: bytes) -> None:
    """Write one line; a child that is gone shows when its answer does not come."""
    with contextlib.suppress(BrokenPipeError):
        stdin = opened(process.stdin)
        stdin.write(line)
        stdin.flush()


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Tell the child that nothing more comes; it ends of itself."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what could not be written is of no interest now
            opened(pipe).close()


def stop(process: subprocess.Popen[bytes], *, at_once: bool = False) -> None:
    """End the child and wait for it; ``at_once`` where it still works on something."""
    close_pipes(process)
    if at_once:
        process.kill()
    end(process, _SECONDS_TO_END)


def explain_death(name: str, code: int, deadline: Deadline) -> str:
    """Say why nothing came back of a file.

    Parameters
    ----------
    code : as :attr:`subprocess.Popen.returncode` gives it, negative for a signal
    """
    is_late = deadline.is_over or (os.name == "posix" and code == -signal.SIGALRM)
    if is_late:
        return (
            f"{name} was not read within {deadline.seconds:.0f} s, so it was given up; it is "
            "damaged, or made to keep its reader busy: export it again, or convert it to NIfTI."
        )
    if os.name == "posix" and code == -signal.SIGKILL:
        return (
            f"{name} was given up because the system ended its reader, most probably for memory; "
            "close other programs, or crop the image first."
        )
    how = f"signal {-code}" if code < 0 else f"exit status {code}"
    return (
        f"{name} made its decoder crash ({how}), and nothing else; it is damaged, or made to do "
        "so: export it again, or convert it to NIfTI."
    )


_CANNOT_START = (
    "The process that reads files cannot be started ({0}), expected the interpreter this program "
    "runs in; repair or reinstall its Python environment."
)


def _widen_pipe(process: subprocess.Popen[bytes]) -> None:
    """Let more of a volume pass at a time, where the system knows how."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):  # beyond what this user's pipes may take together
            fcntl.fcntl(opened(process.stdout), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
