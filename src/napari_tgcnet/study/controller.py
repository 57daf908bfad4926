"""What the panel of studies does at each action; the only holder of its state. No Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.segment.ports import View
from napari_tgcnet.shared.store import Store
from napari_tgcnet.study import messages
from napari_tgcnet.study.ports import ReportingWorkers, Studies, StudyLayers
from napari_tgcnet.study.slice_loader import SliceLoader
from napari_tgcnet.study.state import Activity, OpenedSeries, SeriesRow, StudyState
from tgcnet.io.dicom.series import Listing, Series, Severity
from tgcnet.io.dicom.values import common_dtype

_DICOM_DATE_DIGITS = 8


class StudyController:
    """Lists the series of files and folders and opens one of them, all of it off the Qt thread."""

    def __init__(
        self,
        *,
        view: View[StudyState],
        layers: StudyLayers,
        studies: Studies,
        workers: ReportingWorkers,
    ) -> None:
        self._store = Store(view, StudyState())
        self._layers, self._studies, self._workers = layers, studies, workers
        self._slice_loader = SliceLoader(
            self._store, studies=studies, layers=layers, workers=workers
        )
        self._series: tuple[Series, ...] = ()
        # One event a listing or opening: results of an earlier one are recognised and dropped.
        self._stop = threading.Event()

    @property
    def state(self) -> StudyState:
        return self._store.state

    def list_path(self, path: str, *, opens_single: bool = False) -> None:
        """List the series of a file, a folder or an archive.

        ``opens_single``: if exactly one series can be opened, open it.
        """
        if self.state.is_busy:
            return
        source = Path(path)
        stop = self._begin(Activity.LISTING)
        self._series = ()
        self._store.become(
            replace(
                self.state,
                source=source.name,
                is_listed=False,
                rows=(),
                skipped=(),
                selected=None,
                notices=(),
            )
        )

        def work(report: Callable[[float], None]) -> Listing:
            def on_progress(fraction: float) -> bool:
                report(fraction)
                return not stop.is_set()

            return self._studies.list_series(source, on_progress)

        self._workers.start_reporting(
            work,
            partial(self._show_progress, stop),
            partial(self._listed, stop, opens_single),
            partial(self._failed, stop),
        )

    def show_listing(self, source: str, listing: Listing) -> None:
        """Show a listing made elsewhere; ``source`` is the name of the file or folder."""
        if self.state.is_busy:
            return
        self._store.become(replace(self.state, source=source, notices=(), problem=""))
        self._show_series(listing)

    def select(self, key: int | None) -> None:
        self._store.become(replace(self.state, selected=key))

    def show_skipped(self, is_wanted: bool) -> None:
        """Show or hide the files that belong to no series."""
        self._store.become(replace(self.state, shows_skipped=is_wanted))

    def open_series(self, key: int) -> None:
        """Open a series as a layer: its middle slice at once, the others in the background."""
        self.select(key)
        if not self.state.can_open:
            return
        series, row = self._series[key], self.state.row
        stop = self._begin(Activity.OPENING)
        self._workers.start(
            partial(self._studies.open_series, series),
            partial(self._opened, stop, row),
            partial(self._failed, stop),
        )

    def cancel(self) -> None:
        """Stop the listing or opening; if there is none, stop loading slices."""
        if self.state.is_busy:
            self._stop.set()
            self._become_idle(notices=(messages.CANCELLED,))
        else:
            self._slice_loader.cancel()

    def close(self) -> None:
        """Stop everything; results that still arrive are dropped."""
        self._store.is_closed = True
        self._stop.set()
        self._slice_loader.close()

    def _begin(self, activity: Activity) -> threading.Event:
        self._stop = threading.Event()
        self._store.become(replace(self.state, activity=activity, fraction=0.0, problem=""))
        return self._stop

    def _become_idle(self, *, notices: tuple[str, ...]) -> None:
        self._store.become(
            replace(self.state, activity=Activity.NONE, fraction=0.0, notices=notices)
        )

    def _show_progress(self, stop: threading.Event, fraction: float) -> None:
        if self._is_current(stop):
            self._store.become(replace(self.state, fraction=fraction))

    def _listed(self, stop: threading.Event, opens_single: bool, listing: Listing) -> None:
        if not self._is_current(stop):
            return
        self._become_idle(notices=self.state.notices)
        self._show_series(listing)
        openable = [row.key for row in self.state.rows if row.can_open]
        if opens_single and len(openable) == 1:
            self.open_series(openable[0])

    def _show_series(self, listing: Listing) -> None:
        self._series = listing.series
        rows = build_rows(listing)
        openable = [row.key for row in rows if row.can_open]
        self._store.become(
            replace(
                self.state,
                is_listed=True,
                rows=rows,
                skipped=listing.skipped,
                selected=openable[0] if openable else None,
            )
        )

    def _opened(self, stop: threading.Event, row: SeriesRow | None, opened: OpenedSeries) -> None:
        if not self._is_current(stop):
            return
        below_table = row.remarks if row is not None else ()  # shown there already
        notices = tuple(one for one in opened.volume.notices if one not in below_table)
        self._become_idle(notices=notices)
        self._slice_loader.start(self._layers.add(opened), opened)

    def _failed(self, stop: threading.Event, sentence: str) -> None:
        if self._is_current(stop):
            self._store.become(
                replace(self.state, activity=Activity.NONE, fraction=0.0, problem=sentence)
            )

    def _is_current(self, stop: threading.Event) -> bool:
        return stop is self._stop and not stop.is_set() and not self._store.is_closed


def build_rows(listing: Listing) -> tuple[SeriesRow, ...]:
    """A row of the table for each series, in the listing's order."""
    return tuple(_row(key, series) for key, series in enumerate(listing.series))


def _row(key: int, series: Series) -> SeriesRow:
    first = series.first
    bytes_per_pixel = common_dtype(series.frames).itemsize
    return SeriesRow(
        key=key,
        patient=messages.patient(first.patient_id),
        date=_iso_date(first.study_date),
        modality=first.modality,
        description=messages.series_name(first.series_description, first.series_number),
        num_slices=len(series.frames),
        rows=first.rows,
        columns=first.columns,
        num_bytes=sum(frame.rows * frame.columns for frame in series.frames) * bytes_per_pixel,
        refusals=_sentences(series, Severity.REFUSED),
        remarks=_sentences(series, Severity.WARNING) + _sentences(series, Severity.NOTICE),
    )


def _sentences(series: Series, severity: Severity) -> tuple[str, ...]:
    return tuple(one.sentence for one in series.remarks if one.severity is severity)


def _iso_date(stored: str) -> str:
    """2024-01-02 for a date as DICOM stores it, 20240102; anything else unchanged."""
    if len(stored) == _DICOM_DATE_DIGITS and stored.isdigit():
        return f"{stored[:4]}-{stored[4:6]}-{stored[6:]}"
    return stored
