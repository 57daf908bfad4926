"""A process of ours that runs a module of ours: its start, its pipes and its end."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, BinaryIO

_SECONDS_AFTER_TERMINATE = 1.0


def start_module(
    module: str,
    arguments: Sequence[str] = (),
    *,
    python: str = sys.executable,
    stderr: int = subprocess.DEVNULL,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` with pipes at its standard input and output.

    Raises
    ------
    OSError
        If the interpreter cannot be started.
    """
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        # -P: the folder this program was started in must not shadow a module.
        [python, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment,
        # Without a console of its own no black window opens on Windows.
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def opened(stream: IO[bytes] | None) -> IO[bytes]:
    """Popen's stream, which is None only where no pipe was asked for."""
    if stream is None:
        raise RuntimeError("a process was started without the pipe that is used here")
    return stream


def end(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait for the end; after ``timeout_s`` terminate, then kill."""
    for seconds, stop in (
        (timeout_s, process.terminate),
        (_SECONDS_AFTER_TERMINATE, process.kill),
    ):
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            stop()
    process.wait()


def take_pipes(*, keep_stderr: bool) -> tuple[BinaryIO, BinaryIO]:
    """In the child: keep the parent's pipes to ourselves, as (requests, answers).

    Afterwards a read of standard input finds nothing, and what is printed, by Python or by C,
    goes to standard error, or nowhere where that is not kept. The duplicates are not inherited, so
    that no process of ours keeps them open.
    """
    requests, answers = os.dup(0), os.dup(1)
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), 0)
        if not keep_stderr:
            os.dup2(nothing.fileno(), 2)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")
