"""One run of the child process, seen from the window: its pipes, its threads and its end."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from tgcnet.engine.log import EngineLog, log_place
from tgcnet.errors import EngineError
from tgcnet.ipc.process import end, opened, start_module

CHILD_MODULE = "tgcnet.engine.child"
_SECONDS_AFTER_LAST_LINE = 5.0


class ChildProcess:
    """A started child and the two threads that read what it writes.

    Parameters
    ----------
    on_line : called on the reader thread with every complete line of the protocol
    on_end : called once on the reader thread, when the process is gone, with its exit code

    Raises
    ------
    EngineError
        If the interpreter cannot be started.
    """

    def __init__(
        self,
        python: str,
        log_file: Path,
        *,
        on_line: Callable[["ChildProcess", bytes], None],
        on_end: Callable[["ChildProcess", int], None],
    ) -> None:
        self.unanswered: set[int] = set()  # both are the client's, under its lock
        self.is_gone = False
        self._on_line, self._on_end = on_line, on_end
        self._log = EngineLog(log_file)
        try:
            self._process = start_module(CHILD_MODULE, python=python, stderr=subprocess.PIPE)
        except OSError as error:
            raise EngineError(
                f"The model's process cannot be started: {Path(python).name!r} is no interpreter "
                f"that runs ({error.strerror}). Repair the Python environment napari runs in."
            ) from error
        self._threads = [
            threading.Thread(target=target, name=f"tgcnet-engine-{name}", daemon=True)
            for name, target in (("events", self._read_events), ("log", self._keep_log))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def process_id(self) -> int:
        """The system's number of the process."""
        return self._process.pid

    def send(self, line: bytes) -> None:
        """Write one line; where the child is gone the line is lost and ``on_end`` follows."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: the pipe was closed
            stdin = opened(self._process.stdin)
            stdin.write(line)
            stdin.flush()

    def close_input(self) -> None:
        """Tell the child that nothing more comes; it ends of itself."""
        with contextlib.suppress(OSError):
            opened(self._process.stdin).close()

    def stop(self, timeout_s: float) -> None:
        """Wait for the end; after ``timeout_s`` terminate, then kill. Joins the threads."""
        end(self._process, timeout_s)
        for thread in self._threads:
            thread.join(_SECONDS_AFTER_LAST_LINE)

    def _read_events(self) -> None:
        for line in opened(self._process.stdout):
            if line.endswith(b"\n"):  # else the child died in the middle of it
                self._on_line(self, line)
        # One that closed its output and lives on is of no use.
        end(self._process, _SECONDS_AFTER_LAST_LINE)
        opened(self._process.stdout).close()
        self.close_input()
        self._on_end(self, self._process.returncode)

    def _keep_log(self) -> None:
        for line in opened(self._process.stderr):
            self._log.write(line.decode("utf-8", "replace").rstrip())
        opened(self._process.stderr).close()
        self._log.close()


def explain_exit(code: int) -> str:
    """Say to the user how the child ended, and what to do.

    Parameters
    ----------
    code : as :attr:`subprocess.Popen.returncode` gives it, negative for a signal
    """
    advice = "Your images and masks are untouched; run again, a fresh process starts by itself."
    if os.name == "posix" and code == -signal.SIGKILL:
        return (
            "The model's process was killed (signal 9), most probably by the system because "
            f"memory ran out. {advice} Choose fewer slices or close other programs first."
        )
    if code < 0:
        return (
            f"The model's process was ended by {_signal_name(-code)}. {advice} If it happens "
            f"again, report it with {log_place()}."
        )
    return (
        f"The model's process stopped by itself with exit code {code}. {advice} If it happens "
        f"again, the reason stands in {log_place()}."
    )


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
