"""Work off the Qt thread that tells how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from qtpy.QtCore import QObject, Qt, Signal

from napari_tgcnet.shared.jobs import WorkerThreads

T = TypeVar("T")
N = TypeVar("N", int, float)

TELL_EVERY_S = 0.05
"""A worker may be done with thousands of things a second; no eye follows them."""


class ReportingThreads(WorkerThreads):
    """Worker threads whose work may tell, at any time, how much of it is done."""

    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Emitted in a worker's thread: the queued signal brings it to Qt's.
        self._arrived.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def start_reporting(
        self,
        work: Callable[[Callable[[N], None]], T],
        told: Callable[[N], None],
        then: Callable[[T], None],
        failed: Callable[[str], None],
    ) -> None:
        """Run ``work`` off the Qt thread; whatever it tells is told again on it, now and then."""
        last = -TELL_EVERY_S

        def tell(done: N) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= TELL_EVERY_S:
                last = now
                self._arrived.emit(partial(told, done))

        self.start(partial(work, tell), then, failed)

    def _call(self, what: Callable[[], None]) -> None:
        what()
