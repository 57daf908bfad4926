"""Work off the Qt thread: worker threads, and requests to the model's process."""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication
from superqt.utils import create_worker

from napari_tgcnet.shared import messages
from napari_tgcnet.shared.case import LayerSource, SegmentRequest
from napari_tgcnet.shared.layers import build_volume, narrow
from tgcnet.engine.client import EngineClient
from tgcnet.engine.protocol import (
    UNEXPECTED,
    Begun,
    Cancelled,
    Died,
    Event,
    Failed,
    Finished,
    Notice,
    Progress,
    ReportRead,
    SliceDone,
)
from tgcnet.errors import EngineError, TgcnetError

logger = logging.getLogger(__name__)

T = TypeVar("T")
N = TypeVar("N", int, float)

REPORT_EVERY_S = 0.05
"""The least time between two reports; a worker may finish thousands of things a second."""

_Submitted = tuple[int, int]
"""The number of a submitted request, and the index in the stack of its first slice."""

_ENDS = (Finished, Cancelled, Failed, Died)
_MOUSE_POLL_MS = 50
_CLOSE_TIMEOUT_S = 2.0


class WorkerThreads(QObject):
    """Runs functions in worker threads; errors are reported as sentences."""

    def start(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """Run ``work`` off the Qt thread; ``then`` or ``failed`` is called on it."""

        def guarded() -> tuple[bool, Any]:
            try:
                return True, work()
            except TgcnetError as error:
                return False, str(error)

        def returned(outcome: tuple[bool, Any]) -> None:
            is_good, value = outcome
            (then if is_good else failed)(value)

        def errored(error: Exception) -> None:
            # Not the message: it may contain a path or a patient's words.
            places = "".join(traceback.format_tb(error.__traceback__))
            logger.error("a worker thread failed with %s:\n%s", type(error).__name__, places)
            failed(messages.DEFECT)

        create_worker(
            guarded,
            _connect={"returned": returned, "errored": errored},
            _ignore_errors=True,
        )


class ReportingThreads(WorkerThreads):
    """Worker threads whose work can report its progress."""

    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Emitted in a worker thread; the queued signal calls it on the Qt thread.
        self._arrived.connect(self._call, Qt.ConnectionType.QueuedConnection)

    def start_reporting(
        self,
        work: Callable[[Callable[[N], None]], T],
        on_progress: Callable[[N], None],
        then: Callable[[T], None],
        failed: Callable[[str], None],
    ) -> None:
        """Run ``work`` off the Qt thread.

        ``work`` gets a function to report progress with; ``on_progress`` is called with it on the
        Qt thread, at most every :data:`REPORT_EVERY_S`.
        """
        last = -REPORT_EVERY_S

        def report(done: N) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= REPORT_EVERY_S:
                last = now
                self._arrived.emit(partial(on_progress, done))

        self.start(partial(work, report), then, failed)

    def _call(self, function: Callable[[], None]) -> None:
        function()


class EngineJobs(QObject):
    """Sends requests to the model's process, and its events to a listener on the Qt thread.

    Parameters
    ----------
    build_client : makes the client from its ``on_event``; a test passes a fake
    """

    _arrived = Signal(object)

    def __init__(
        self,
        workers: WorkerThreads,
        build_client: Callable[[Callable[[Event], None]], EngineClient] = EngineClient,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        # Events arrive on the client's reader thread; the queued signal moves them to Qt's.
        self._arrived.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        self._client = build_client(self._arrived.emit)
        self._workers = workers
        self._listener: Callable[[Event], None] | None = None
        self._waiting: deque[Event] = deque()
        self._reading: int | None = None
        self._segmentation: int | None = None
        self._labels: np.ndarray | None = None
        self._first_slice = 0
        self._is_submitting = self._cancel_wanted = self._is_closed = False

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Send every event to this function from now on."""
        self._listener = listener

    def start(self) -> None:
        self._client.start()

    def describe(self) -> None:
        self._client.describe()

    def read_report(self, text: str, *, model: str) -> None:
        self._reading = self._client.read_report(text, model=model)

    def segment(self, request: SegmentRequest, source: LayerSource) -> None:
        """Build the volume and send it in a worker thread: a stack is hundreds of MB."""
        self._is_submitting, self._cancel_wanted = True, False

        def submit() -> _Submitted:
            part, first = narrow(source, request.slices)
            number = self._client.segment(
                build_volume(part),
                model=request.model,
                device=request.device,
                report=request.report,
                slices=(request.slices.start - first, request.slices.stop - first),
                threshold=request.threshold,
                window_hu=request.window_hu,
            )
            return number, first

        def submit_or_fail() -> _Submitted | Failed:
            try:
                return submit()
            except TgcnetError as error:
                return Failed(request=None, sentence=str(error), kind=type(error).__name__)
            except MemoryError:
                kind = EngineError.__name__
                return Failed(request=None, sentence=messages.NO_MEMORY, kind=kind)

        self._workers.start(submit_or_fail, self._submitted, self._submission_failed)

    def slice_labels(self, index: int) -> np.ndarray:
        """(Y, X) uint8 of a slice that :class:`SliceDone` named, in the running segmentation."""
        if self._labels is None:
            raise TgcnetError(messages.DEFECT)
        plane: np.ndarray = self._labels[index - self._first_slice]
        return plane

    def cancel(self) -> None:
        """Stop the running segmentation; ``Cancelled`` answers."""
        if self._segmentation is not None:
            self._client.cancel(self._segmentation)
        else:
            self._cancel_wanted = True

    def close(self) -> None:
        """End the model's process; no event comes after this."""
        self._is_closed = True
        self._client.close(_CLOSE_TIMEOUT_S)

    def _submitted(self, answer: _Submitted | Failed) -> None:
        if self._is_closed:
            return
        self._is_submitting = False
        if isinstance(answer, Failed):
            self._waiting.append(answer)
        else:
            self._segmentation, self._first_slice = answer
            self._labels = self._client.labels_view(self._segmentation)
            if self._cancel_wanted:
                self._client.cancel(self._segmentation)
        self._deliver_waiting()

    def _submission_failed(self, sentence: str) -> None:
        self._submitted(Failed(request=None, sentence=sentence, kind=UNEXPECTED))

    def _receive(self, event: Event) -> None:
        if not self._is_closed:
            self._waiting.append(event)
            self._deliver_waiting()

    def _deliver_waiting(self) -> None:
        """Deliver events in order, once the number of the submitted request is known."""
        while self._waiting and not self._is_submitting and not self._is_closed:
            if isinstance(self._waiting[0], _ENDS) and self._is_painting():
                QTimer.singleShot(_MOUSE_POLL_MS, self._deliver_waiting)
                return
            event = self._waiting.popleft()
            if self._is_stale(event):
                continue
            if isinstance(event, ReportRead):
                self._reading = None
            if isinstance(event, SliceDone):
                event = replace(event, z=event.z + self._first_slice)
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        """Pass an event to the listener; if that fails, end the run and report the failure."""
        is_handled = self._call_listener(event)
        if isinstance(event, _ENDS):
            self._release()
        if not is_handled:
            self._abandon_run()

    def _abandon_run(self) -> None:
        if self._segmentation is not None:
            self._client.cancel(self._segmentation)
            self._release()
        self._call_listener(Failed(request=None, sentence=messages.DEFECT, kind=UNEXPECTED))

    def _call_listener(self, event: Event) -> bool:
        """Whether the listener handled the event."""
        try:
            if self._listener is not None:
                self._listener(event)
        # Whatever goes wrong in the panel: it is called by Qt, and the run would never end.
        except Exception:
            logger.exception("the panel failed to handle an event")
            return False
        return True

    @staticmethod
    def _is_painting() -> bool:
        """Whether the user is painting: a write during a stroke would join its undo step."""
        return QApplication.mouseButtons() != Qt.MouseButton.NoButton

    def _is_stale(self, event: Event) -> bool:
        """Whether this belongs to a request that is over."""
        if isinstance(event, ReportRead):
            return event.request != self._reading
        current = {self._reading, self._segmentation} - {None}
        if isinstance(event, Failed):
            return bool(current) and event.request not in {None, *current}
        if isinstance(event, Died):  # a process older than the current request
            return bool(current) and not current & set(event.requests)
        return (
            isinstance(event, Begun | SliceDone | Progress | Notice | Finished | Cancelled)
            and event.request != self._segmentation
        )

    def _release(self) -> None:
        ended, self._segmentation, self._labels = self._segmentation, None, None
        self._reading = None
        if ended is not None and not self._is_closed:
            self._client.release(ended)
