"""The child's command loop. Knows requests and events; the models come through a port."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from tgcnet.domain import Volume
from tgcnet.engine.failure import as_event
from tgcnet.engine.inbox import Inbox, Work
from tgcnet.engine.protocol import (
    Begun,
    Cancelled,
    Describe,
    DeviceInfo,
    Event,
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
from tgcnet.io.report_key import report_provenance

Send = Callable[[Event], None]


@runtime_checkable  # for the type checks of the test run
class Model(Protocol):
    """A loaded model on its device, as the loop needs it."""

    def read_report(self, request: ReadReport) -> ReportRead:
        """Say what the model reads of a report."""

    def window(self, volume: Volume, window_hu: tuple[float, float] | None) -> ShownWindow:
        """Tell the intensities that become black and white."""

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
        """Segment, handing out z, probability (C, Y, X) and labels (Y, X); give provenance."""


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
            send(as_event(error, work.request, private=_text_of(work)))


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
                on_progress=run.take_progress,
                on_slice=run.take_slice,
                on_notice=run.take_notice,
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
    """What one segmentation tells while it goes."""

    def __init__(self, work: Segment, labels: np.ndarray, send: Send) -> None:
        self._work, self._labels, self._send = work, labels, send
        self._start = time.perf_counter()
        first, stop = work.slices or (0, len(labels))
        self._total = stop - first
        self.slices_done = 0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start

    def take_slice(self, z: int, probability: np.ndarray, labels: np.ndarray) -> None:
        self._labels[z] = labels  # before the event: who hears of it may look at once
        self.slices_done += 1
        self._send(SliceDone(request=self._work.request, z=z))

    def take_progress(self, fraction: float) -> None:
        left = self.seconds * (1 - fraction) / fraction if fraction > 0 else None
        self._send(
            Progress(
                request=self._work.request,
                done=self.slices_done,
                total=self._total,
                seconds_left=left,
            )
        )

    def take_notice(self, sentence: str) -> None:
        self._send(Notice(request=self._work.request, sentence=sentence))
