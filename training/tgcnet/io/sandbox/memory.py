"""Memory of the child where its system limits none: Windows and macOS. Seen from outside."""

import subprocess
import threading

import psutil

from tgcnet.io.sandbox import limits

_SECONDS_BETWEEN_LOOKS = 0.02


class MemoryWatch:
    """Kills a process that grows beyond one request's memory while inside the ``with``.

    What it has when the ``with`` begins is not counted. On Linux nothing is watched: there the
    child has itself limited (:func:`tgcnet.io.sandbox.limits.limited`), and fails at once.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._ended = threading.Event()
        self._granted = limits.SPARE_BYTES
        self.is_over = False

    def __enter__(self) -> "MemoryWatch":
        if not limits.IS_MEMORY_LIMITED_BY_SYSTEM:
            base = _resident(self._process)
            if base is not None:
                threading.Thread(target=self._watch, args=(base,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def grant(self, num_bytes: int) -> None:
        """Allow so much more: for an image whose size was checked."""
        self._granted = limits.SPARE_BYTES + num_bytes

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
