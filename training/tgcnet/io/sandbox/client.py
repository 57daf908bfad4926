"""The parent's end: one child process that reads foreign files, watched while it does."""

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tgcnet import errors
from tgcnet.errors import Cancelled, EngineError, InputError, TgcnetError
from tgcnet.io.decoded import needs_too_much_memory
from tgcnet.io.sandbox import limits
from tgcnet.io.sandbox.codec import decode, encode
from tgcnet.io.sandbox.memory import MemoryWatch
from tgcnet.io.sandbox.process import (
    Deadline,
    close_pipes,
    end,
    explain_death,
    receive,
    send,
    start,
)
from tgcnet.io.sandbox.requests import REQUESTS


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    message: dict[str, Any]
    arrays: list[np.ndarray]


OnProgress = Callable[[float], object]
"""Called with the finished fraction in [0, 1]; returning False stops."""

_MOST_BYTES = 2**34
"""More than any image needs that passes the checks on its size."""


class Sandbox:
    """A child process that parses and decodes files; started on first use, again after a death.

    Any thread may ask; requests run one after another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: str | None = None
        self._asked: set[str] = set()

    def was_asked(self, request: str) -> bool:
        """Whether anybody has asked for this so far."""
        return request in self._asked

    @property
    def process_id(self) -> int | None:
        """The system's number of the living child."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def ask(
        self,
        request: str,
        *,
        name: str,
        on_progress: OnProgress | None = None,
        **arguments: object,
    ) -> Any:
        """Let the child carry out a request of ``REQUESTS``.

        Parameters
        ----------
        name : of the file, as sentences call it
        on_progress : called on this thread, and must not ask for another file; what it raises
            stops the work, too
        arguments : of the function that is asked for

        Raises
        ------
        InputError
            If the file makes its reader crash, hang or need more memory than it may ask for.
        TgcnetError
            Whatever the function itself raises, of its class and with its sentence.
        EngineError
            If no child can be started, or it answers what no child of this version would.
        Cancelled
            If ``on_progress`` returned False.
        """
        plain = encode(arguments, [])
        line = json.dumps({"request": request, "name": name, "arguments": plain}).encode("ascii")
        self._asked.add(request)
        with self._lock:
            process = self._living()
            with (
                Deadline(process) as deadline,
                MemoryWatch(process) as memory,
                self._ended_unless_answered(),
            ):
                deadline.renew(limits.SECONDS)
                send(process, line + b"\n")
                answer = _answer(process, deadline, memory, on_progress)
            if answer is None or "defect" in answer.message:
                self._end()
        if answer is None:
            if memory.is_over:
                raise InputError(needs_too_much_memory(name))
            raise InputError(explain_death(name, process.returncode, deadline))
        if "value" in answer.message:
            return decode(REQUESTS[request].answer, answer.message["value"], answer.arrays)
        raise _as_error(answer.message, name)

    def close(self) -> None:
        """End the child, if there is one, and remove what it unpacked.

        A request after it starts another.
        """
        with self._lock:
            self._end()
            scratch, self._scratch = self._scratch, None
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)

    def forget(self) -> None:
        """Drop what a fork copied: the child is the other process's, the lock may be held there."""
        self._lock = threading.Lock()
        self._scratch = None
        process, self._process = self._process, None
        if process is not None:
            close_pipes(process)
            process.returncode = 0  # not a child of this process: nobody here may wait for it

    @contextlib.contextmanager
    def _ended_unless_answered(self) -> Iterator[None]:
        """After Ctrl-C, or an error of ``on_progress``: an answer half read would be in the way."""
        is_answered = False
        try:
            yield
            is_answered = True
        finally:
            if not is_answered:
                self._end(at_once=True)

    def _living(self) -> subprocess.Popen[bytes]:
        """Give the child, a fresh one where there is none; the lock is held."""
        if self._process is None or self._process.poll() is not None:
            self._end()
            # This process's, so that it outlasts a child that crashed, and goes all the same.
            self._scratch = self._scratch or tempfile.mkdtemp(prefix="tgcnet-files-")
            self._process = start(self._scratch)
        return self._process

    def _end(self, *, at_once: bool = False) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, at_once=at_once)


def _answer(
    process: subprocess.Popen[bytes],
    deadline: Deadline,
    memory: MemoryWatch,
    on_progress: OnProgress | None,
) -> _Answer | None:
    """Wait for the last message of a request; None where the child died over it."""
    while (received := receive(process)) is not None:
        message, arrays = received
        if "working_bytes" in message:
            num_bytes = min(int(message["working_bytes"]), _MOST_BYTES)
            deadline.renew(limits.seconds_for(num_bytes))
            memory.grant(num_bytes)
        elif "progress" in message:
            deadline.renew(limits.SECONDS)
            if on_progress is not None and on_progress(float(message["progress"])) is False:
                raise Cancelled("Reading was stopped.")
        else:
            return _Answer(message=message, arrays=arrays)
    return None


def _as_error(message: dict[str, Any], name: str) -> TgcnetError:
    if "defect" in message:
        return InputError(
            f"{name} holds something that its decoder does not expect ({message['defect']}); it is "
            "damaged, or of a kind this program does not know: export it again."
        )
    kind = getattr(errors, str(message.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, TgcnetError)):
        return EngineError(f"The process that reads files answered what it should not of {name}.")
    return kind(str(message.get("sentence")))


@cache
def this_process_sandbox() -> Sandbox:
    """Give the sandbox of this process; a forked process starts its own child."""
    return _registered(Sandbox())


@cache
def second_sandbox() -> Sandbox:
    """Give another, for what takes long while somebody waits for the first."""
    return _registered(Sandbox())


def _registered(sandbox: Sandbox) -> Sandbox:
    atexit.register(sandbox.close)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=sandbox.forget)
    return sandbox
