"""The child's requests, read by a thread of their own, so that Cancel works while a model runs."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from tgcnet.engine.protocol import Cancel, Describe, ReadReport, Segment, Shutdown
from tgcnet.engine.wire import UnreadableLineError, decode_request

Work = Describe | ReadReport | Segment
"""The requests that are queued; the others act at once."""


class Inbox:
    """Requests in the order they came, and which of them were cancelled since.

    Parameters
    ----------
    lines : ends when the window's process has closed the pipe or is gone
    on_unreadable : called on the reading thread with what could not be read
    on_end : called on the reading thread after a ``Shutdown`` or the last line
    """

    def __init__(
        self,
        lines: Iterable[bytes],
        *,
        on_unreadable: Callable[[UnreadableLineError], None],
        on_end: Callable[[], None],
    ) -> None:
        self._lines = lines
        self._on_unreadable, self._on_end = on_unreadable, on_end
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: set[int] = set()
        self._cancelled: set[int] = set()
        self._has_ended = False

    def start(self) -> None:
        """Begin to read, on a daemon thread: it may wait in a read for ever."""
        threading.Thread(target=self._read, name="tgcnet-engine-inbox", daemon=True).start()

    def __iter__(self) -> Iterator[Work]:
        """Yield each request as its turn comes; stop at the end, whatever still waits."""
        while (work := self._work.get()) is not None and not self._has_ended:
            yield work
            with self._lock:
                self._open.discard(work.request)
                self._cancelled.discard(work.request)

    def is_cancelled(self, request: int) -> bool:
        """Whether this request was cancelled, or the window is gone."""
        with self._lock:
            return self._has_ended or request in self._cancelled

    def _read(self) -> None:
        for line in self._lines:
            try:
                request = decode_request(line)
            except UnreadableLineError as error:
                self._on_unreadable(error)
                continue
            if isinstance(request, Shutdown):
                break
            self._add(request)
        with self._lock:
            self._has_ended = True
        self._work.put(None)
        self._on_end()

    def _add(self, request: Work | Cancel) -> None:
        with self._lock:
            if not isinstance(request, Cancel):
                self._open.add(request.request)
                self._work.put(request)
            elif request.request in self._open:  # else it was answered meanwhile
                self._cancelled.add(request.request)
