"""Kill a process of ours at each of its calls that change the disk, one after the other."""

import builtins
import io
import os
import signal
from collections.abc import Callable
from typing import Any

MOST_CALLS = 300
"""More than any operation needs: a run that never ends is a defect of the test."""


class CountedFile(io.FileIO):
    """Counts its writes, and leaves a half of the one that is the last."""

    def write(self, data: bytes) -> int | None:  # type: ignore[override]
        content = bytes(data)
        tick(lambda: super(CountedFile, self).write(content[: len(content) // 2]))
        return super().write(content)


calls = {"left": 0}


def tick(on_last: Callable[[], object] = lambda: None) -> None:
    """Count a call; at the last one this process is killed, after ``on_last``."""
    calls["left"] -= 1
    if calls["left"] == 0:
        on_last()
        os.kill(os.getpid(), signal.SIGKILL)


def count_calls(number: int) -> None:
    """Have this process killed at its ``number``-th call that changes the disk."""
    calls["left"] = number
    real_open = io.open

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: Any, **options: Any) -> object:
            tick()
            return real(*arguments, **options)

        return call

    def open_counted(file: str, mode: str = "r", *arguments: Any, **options: Any) -> object:
        if "w" not in mode:
            return real_open(file, mode, *arguments, **options)
        tick()
        raw: Any = CountedFile(file, "w")
        written = io.BufferedWriter(raw)
        return written if "b" in mode else io.TextIOWrapper(written, encoding="utf-8")

    for name in ("fsync", "rename", "replace", "link", "mkdir", "unlink", "remove", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))
    for module in (io, builtins):
        setattr(module, "open", open_counted)  # noqa: B010 - another signature than theirs


def killed_at(number: int, operate: Callable[[], object]) -> None:
    """Count the calls of an operation; says "done" on standard output where it ended."""
    count_calls(number)
    operate()
    calls["left"] = 0  # an answer is no write
    os.write(1, b"done")


def fork(work: Callable[[], object]) -> tuple[int, str]:
    """Run ``work`` in a process of its own: how it ended, and what it said to be done by then."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as said:
        return os.waitstatus_to_exitcode(status), said.read()
