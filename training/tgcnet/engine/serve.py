"""The child's command loop. Knows requests and events; the models come through a port."""

import logging
import re
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from tgcnet.domain import Volume
from tgcnet.engine.inbox import Inbox, Work
from tgcnet.engine.log import log_place
from tgcnet.engine.protocol import (
    UNEXPECTED,
    Begun,
    Cancelled,
    Describe,
    DeviceInfo,
    Event,
    Failed,
    Finished,
    Loaded,
    ModelInfo,
    Notice,
    Progress,
    ReadReport,
    Ready,
    ReportRead,
    Segment,
    ShownWindow,
    SliceDone,
)
from tgcnet.engine.shared import attach, rebuild_volume
from tgcnet.errors import Cancelled as RunCancelled
from tgcnet.errors import DeviceError, TgcnetError
from tgcnet.io.report_key import report_provenance

Send = Callable[[Event], None]

_LOG = logging.getLogger(__name__)


@runtime_checkable  # for the type checks of the test run
class Model(Protocol):
    """A loaded model on its device, as the loop needs it."""

    def read_report(self, request: ReadReport) -> ReportRead:
        """What the model reads of a report."""

    def window(self, volume: Volume, window_hu: tuple[float, float] | None) -> ShownWindow:
        """The intensities that become black and white."""

    def segment(
        self,
        volume: Volume,
        report: str,
        *,
        slices: slice | None,
        threshold: float | None,
        window_hu: tuple[float, float] | None,
        on_progress: Callable[[float], None],
        on_slice: Callable[[int, np.ndarray, np.ndarray], None],
        on_notice: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> Mapping[str, str]:
        """Segment; ``on_slice`` gets z, probability (C, Y, X) and labels (Y, X).

        Returns the provenance.
        """


@runtime_checkable
class Backend(Protocol):
    """Where devices and models come from."""

    def describe(self) -> tuple[tuple[DeviceInfo, ...], tuple[ModelInfo, ...]]:
        """All devices and all models there are now."""

    def device_name(self, device: str) -> str:
        """Name the device that a choice such as "auto" stands for."""

    def load(self, model: str, device: str) -> Model:
        """Load a model, ready on a device."""


def serve(inbox: Inbox, send: Send, backend: Backend) -> None:
    """Answer requests until the inbox ends; no request ends it.

    Parameters
    ----------
    send : called with every event, on this thread
    """
    server = _Server(inbox, send, backend)
    for work in inbox:
        try:
            server.answer(work)
        except Exception as error:  # noqa: BLE001 - one request's failure must not end the process
            send(as_failed(error, work.request, private=_text_of(work)))


def _text_of(work: Work) -> str:
    if isinstance(work, Describe):
        return ""
    return work.text if isinstance(work, ReadReport) else work.report


class _Server:
    """Answers one request at a time and keeps the last model it loaded."""

    def __init__(self, inbox: Inbox, send: Send, backend: Backend) -> None:
        self._inbox, self._send, self._backend = inbox, send, backend
        self._held: tuple[str, str, Model] | None = None

    def answer(self, work: Work) -> None:
        if self._inbox.is_cancelled(work.request):
            self._send(Cancelled(request=work.request, slices_done=0))
        elif isinstance(work, Describe):
            devices, models = self._backend.describe()
            self._send(Ready(request=work.request, devices=devices, models=models))
        elif isinstance(work, ReadReport):
            self._send(self._model(work.request, work.model).read_report(work))
        else:
            self._segment(work)

    def _model(self, request: int, name: str, device: str | None = None) -> Model:
        """Get a model on a device; without a device, wherever it is loaded already."""
        if self._held is not None and self._held[0] == name and device is None:
            return self._held[2]
        where = self._backend.device_name(device or "auto")
        if self._held is None or self._held[:2] != (name, where):
            self._held = None  # first: two models at once may be more than there is room for
            start = time.perf_counter()
            self._held = (name, where, self._backend.load(name, where))
            seconds = time.perf_counter() - start
            self._send(Loaded(request=request, model=name, seconds=seconds))
        return self._held[2]

    def _segment(self, work: Segment) -> None:
        volume, labels = rebuild_volume(work.volume), attach(work.labels)
        model = self._model(work.request, work.model, work.device)
        about_report = report_provenance(work.report)
        window = model.window(volume, work.window_hu)
        self._send(Begun(request=work.request, window=window, about_report=about_report))
        run = _Run(work, labels, self._send)
        try:
            provenance = model.segment(
                volume,
                work.report,
                slices=None if work.slices is None else slice(*work.slices),
                threshold=work.threshold,
                window_hu=work.window_hu,
                on_progress=run.on_progress,
                on_slice=run.on_slice,
                on_notice=run.on_notice,
                is_cancelled=lambda: self._inbox.is_cancelled(work.request),
            )
        except RunCancelled:
            self._send(Cancelled(request=work.request, slices_done=run.slices_done))
            return
        self._send(
            Finished(
                request=work.request,
                device=provenance["device"],
                seconds=run.seconds,
                provenance={**provenance, **about_report},
                slices_done=run.slices_done,
            )
        )


class _Run:
    """Sends the events of one running segmentation."""

    def __init__(self, work: Segment, labels: np.ndarray, send: Send) -> None:
        self._work, self._labels, self._send = work, labels, send
        self._start = time.perf_counter()
        first, stop = work.slices or (0, len(labels))
        self._total = stop - first
        self.slices_done = 0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    def on_slice(self, z: int, probability: np.ndarray, labels: np.ndarray) -> None:
        self._labels[z] = labels  # before the event: its receiver may read the slice at once
        self.slices_done += 1
        self._send(SliceDone(request=self._work.request, z=z))

    def on_progress(self, fraction: float) -> None:
        left = self.seconds * (1 - fraction) / fraction if fraction > 0 else None
        self._send(
            Progress(
                request=self._work.request,
                done=self.slices_done,
                total=self._total,
                seconds_left=left,
            )
        )

    def on_notice(self, sentence: str) -> None:
        self._send(Notice(request=self._work.request, sentence=sentence))


def as_failed(error: Exception, request: int, *, private: str) -> Failed:
    """Turn an error into the event that ends its request.

    One of our own family is its own sentence; any other is logged with its traceback.

    Parameters
    ----------
    private : a text of the patient's; none of its words reaches the log
    """
    if isinstance(error, TgcnetError):
        return Failed(request=request, sentence=str(error), kind=type(error).__name__)
    trace = without_words("".join(traceback.format_exception(error)), private)
    _LOG.error("request %d failed\n%s", request, trace)
    if isinstance(error, MemoryError):
        sentence = "Memory ran out; close other programs, choose fewer slices, or crop the stack."
        return Failed(request=request, sentence=sentence, kind=DeviceError.__name__)
    sentence = (
        f"Something went wrong inside the program ({type(error).__name__}). Your images "
        "and masks are untouched. Try again, and report it if it happens again; the "
        f"details are in {log_place()}."
    )
    return Failed(request=request, sentence=sentence, kind=UNEXPECTED)


def without_words(text: str, private: str) -> str:
    """``text`` with an ellipsis for every word of three letters or more that ``private`` has.

    Messages of foreign libraries quote what they were given. This also hides innocent words that
    a report happens to share, which costs a little legibility of a traceback.
    """
    hidden = {word.lower() for word in re.findall(r"\w{3,}", private)}
    return re.sub(r"\w{3,}", lambda m: "…" if m[0].lower() in hidden else m[0], text)
