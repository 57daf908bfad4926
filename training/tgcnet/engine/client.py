"""The window's half of the engine: starts the model's process and talks to it.

Imports neither torch nor Qt. A dead child is an event, never an exception in the window.
"""

import itertools
import queue
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tgcnet.domain import Volume
from tgcnet.engine.log import default_log_file
from tgcnet.engine.process import ChildProcess, explain_exit
from tgcnet.engine.protocol import (
    Cancel,
    Cancelled,
    Describe,
    Died,
    Event,
    Failed,
    Finished,
    ReadReport,
    Ready,
    ReportRead,
    Segment,
    Shutdown,
)
from tgcnet.engine.shared import OwnedBlock, describe_volume
from tgcnet.engine.wire import UnreadableLineError, decode_event, encode
from tgcnet.errors import EngineError

_ANSWERS = (Ready, ReportRead, Finished, Cancelled, Failed)


_Message = Describe | ReadReport | Segment | Cancel
_Job = tuple[_Message, bytes, Callable[[], None]]
"""A request, its line, and what has to be done before that is sent."""


class EngineClient:
    """One long-lived child process that holds the models.

    Requests run one after the other, in order. Every request is answered by exactly one of
    ``Ready``, ``ReportRead``, ``Finished``, ``Cancelled`` or ``Failed``, unless the child dies:
    then one ``Died`` names all requests it took along, and the next request starts a fresh child.

    No method but :meth:`close` waits for anything: copying, starting and writing happen on a
    thread of the client's own.

    Parameters
    ----------
    on_event : called with every event, one at a time, on a thread of the client (never on the
        caller's): hand it to your own thread, a Qt signal does. It must not call :meth:`close`.
    python : the interpreter to run the child with
    log_file : where the child's messages go; the platform's state folder where None.
        Holds no report text, file name or patient data.
    """

    def __init__(
        self,
        on_event: Callable[[Event], None],
        *,
        python: str = sys.executable,
        log_file: Path | None = None,
    ) -> None:
        self._on_event = on_event
        self._python = python
        self._log_file = default_log_file() if log_file is None else log_file
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # guards what follows; held for moments only
        self._delivery = threading.Lock()
        self._children: list[ChildProcess] = []  # the last one may live; all are joined
        self._images: dict[int, OwnedBlock] = {}
        self._labels: dict[int, OwnedBlock] = {}
        self._is_closed = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None

    @property
    def process_id(self) -> int | None:
        """The system's number of the living child, None where there is none."""
        with self._lock:
            child = self._living()
            return None if child is None else child.process_id

    def start(self) -> int:
        """Start the child and ask it to describe itself; returns at once.

        ``Starting`` comes within a fraction of a second, ``Ready`` some seconds later. Without
        this the first request starts the child.

        Returns
        -------
        int
            Number of the ``Describe`` request that ``Ready`` answers.

        Raises
        ------
        EngineError
            After :meth:`close`. A child that cannot be started is a ``Failed`` event.
        """
        return self.describe()

    def describe(self) -> int:
        """Ask for devices (with their free memory now) and models; ``Ready`` answers."""
        return self._enqueue(Describe(request=next(self._numbers)))

    def read_report(self, text: str, *, model: str) -> int:
        """Ask what ``model`` reads of a report; ``ReportRead`` answers."""
        return self._enqueue(ReadReport(request=next(self._numbers), model=model, text=text))

    def segment(
        self,
        volume: Volume,
        *,
        model: str,
        device: str = "auto",
        report: str = "",
        slices: tuple[int, int] | None = None,
        threshold: float | None = None,
        window_hu: tuple[float, float] | None = None,
    ) -> int:
        """Ask for a segmentation; ``Begun``, ``SliceDone``, ``Progress``, ``Finished`` answer.

        Parameters
        ----------
        volume : copied to shared memory soon after this returns; its array must not change
            before the request's first event
        report : blank for a run without text
        slices : first and one past the last slice; None for the whole stack
        threshold : in (0, 1); None for the model's own
        window_hu : centre and width that the model is to see of a CT; None for the model's own

        Returns
        -------
        int
            Number of the request, for :meth:`labels_view`, :meth:`cancel` and :meth:`release`.

        Raises
        ------
        EngineError
            If shared memory does not hold the volume, or after :meth:`close`.
        """
        depth, height, width = volume.array.shape
        shape = (int(depth), int(height), int(width))
        image = OwnedBlock(shape, volume.array.dtype)
        try:
            labels = OwnedBlock(shape, np.dtype(np.uint8))
        except EngineError:
            image.unlink()
            raise
        number = next(self._numbers)
        message = Segment(
            request=number,
            model=model,
            device=device,
            report=report,
            slices=slices,
            threshold=threshold,
            window_hu=window_hu,
            volume=describe_volume(volume, image.sent),
            labels=labels.sent,
        )
        with self._lock:
            self._images[number], self._labels[number] = image, labels
        try:
            return self._enqueue(message, partial(_fill, image, labels, volume.array))
        except EngineError:
            self.release(number)
            raise

    def labels_view(self, request: int) -> np.ndarray:
        """Show the labels as the child writes them.

        Returns
        -------
        (Z, Y, X) uint8
            Read-only, zero where not done; a slice is complete before its ``SliceDone`` comes.
            Stays readable after :meth:`release`, :meth:`close` and the child's death.

        Raises
        ------
        EngineError
            If ``request`` is no segmentation of this client, or was released.
        """
        with self._lock:
            block = self._labels.get(request)
        if block is None:
            raise EngineError(
                f"Request {request} has no labels: it is no segmentation, or it was released. "
                "Take the view before the release."
            )
        view = block.array.view()
        view.flags.writeable = False
        return view

    def cancel(self, request: int) -> None:
        """Stop a request between two batches; ``Cancelled`` answers. Unknown ones are ignored."""
        if not self._is_closed:
            self._enqueue(Cancel(request=request))

    def release(self, request: int) -> None:
        """Give the shared memory of a request back; call it once its labels are copied."""
        self._free_image(request)
        with self._lock:
            labels = self._labels.pop(request, None)
        if labels is not None:
            labels.unlink()

    def close(self, timeout_s: float = 5.0) -> None:
        """End the child and free everything; no thread, process or shared memory is left.

        Asks for a shutdown, after ``timeout_s`` terminates, then kills. No event comes after it
        returns. Closing twice is allowed; a request after it raises EngineError.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            children, worker, numbers = [*self._children], self._worker, [*self._labels]
        self._jobs.put(None)
        for child in children:
            child.stop(timeout_s)
        if worker is not None:
            worker.join()
        for number in numbers:
            self.release(number)

    def _enqueue(self, message: _Message, prepare: Callable[[], None] = lambda: None) -> int:
        line = encode(message)  # here, so that a value of a wrong type is the caller's error
        with self._lock:
            if self._is_closed:
                raise EngineError(
                    "The model's process was closed with its window; open a new window to go on."
                )
            if self._worker is None:
                self._worker = threading.Thread(
                    target=self._work, name="tgcnet-engine-requests", daemon=True
                )
                self._worker.start()
            self._jobs.put((message, line, prepare))
        return message.request

    def _work(self) -> None:
        """Carry out requests in order, on the client's worker thread."""
        while (job := self._jobs.get()) is not None:
            message, line, prepare = job
            try:
                prepare()
                self._send(message, line)
            except EngineError as error:
                self._free_image(message.request)
                self._deliver(
                    Failed(request=message.request, sentence=str(error), kind=type(error).__name__)
                )
            del job, prepare  # a volume must not stay alive until the next request
        with self._lock:
            child = self._living()
        if child is not None:
            child.send(encode(Shutdown()))
            child.close_input()

    def _send(self, message: _Message, line: bytes) -> None:
        with self._lock:
            if self._is_closed:
                return
            child = self._living()
            if isinstance(message, Cancel):
                if child is None or message.request not in child.unanswered:
                    return
            else:
                child = child or self._spawn()
                child.unanswered.add(message.request)
        # Outside the lock: a child that does not read must not hold up the window.
        child.send(line)

    def _living(self) -> ChildProcess | None:
        """Give the child that answers; the lock is held."""
        if self._children and not self._children[-1].is_gone:
            return self._children[-1]
        return None

    def _spawn(self) -> ChildProcess:
        child = ChildProcess(
            self._python, self._log_file, on_line=self._handle_line, on_end=self._handle_end
        )
        self._children.append(child)
        return child

    def _handle_line(self, child: ChildProcess, line: bytes) -> None:
        try:
            event = decode_event(line)
        except UnreadableLineError as error:
            event = Failed(request=None, sentence=str(error), kind=EngineError.__name__)
        if isinstance(event, _ANSWERS) and event.request is not None:
            with self._lock:
                child.unanswered.discard(event.request)
            self._free_image(event.request)
        self._deliver(event)

    def _handle_end(self, child: ChildProcess, code: int) -> None:
        with self._lock:
            child.is_gone = True
            lost = tuple(sorted(child.unanswered))
        for number in lost:
            self._free_image(number)
        sentence = explain_exit(code)
        self._deliver(Died(exit_code=code, sentence=sentence, requests=lost))

    def _free_image(self, request: int) -> None:
        with self._lock:
            image = self._images.pop(request, None)
        if image is not None:
            image.unlink()

    def _deliver(self, event: Event) -> None:
        with self._delivery:
            if self._is_closed:
                return
            try:
                self._on_event(event)
            except Exception as error:  # noqa: BLE001 - a handler's defect must not end the reading
                threading.excepthook(
                    threading.ExceptHookArgs(
                        (type(error), error, error.__traceback__, threading.current_thread())
                    )
                )


def _fill(image: OwnedBlock, labels: OwnedBlock, source: np.ndarray) -> None:
    """Copy a volume into its block, once both blocks are sure to have their pages."""
    image.reserve()
    labels.reserve()
    image.array[...] = source
