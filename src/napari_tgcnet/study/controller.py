"""What the panel of studies does at each wish; the only holder of its state. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.shared.store import Store, View
from napari_tgcnet.study import messages
from napari_tgcnet.study.loading import Loading
from napari_tgcnet.study.ports import OpenedSeries, ReportingWorkers, Studies, StudyLayers
from napari_tgcnet.study.rows import build_rows
from napari_tgcnet.study.state import Doing, SeriesRow, StudyState
from napari_tgcnet.study.stop import Stop
from tgcnet.io.dicom.series import Listing, Series


class StudyController:
    """Lists what files hold, opens what was chosen of it; all of that off the Qt thread."""

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
        self._loading = Loading(self._store, studies=studies, layers=layers, workers=workers)
        self._series: tuple[Series, ...] = ()
        # Of the listing or opening under way; what comes of an earlier one is dropped.
        self._stop = Stop()

    @property
    def state(self) -> StudyState:
        return self._store.state

    def list_path(self, path: str, *, opens_single: bool = False) -> None:
        """Look into a file, a folder or an archive.

        ``opens_single``: where exactly one series can be opened, open it.
        """
        if self.state.is_busy:
            return
        source = Path(path)
        stop = self._begin(Doing.LISTING)
        self._series = ()
        self._store.become(
            replace(
                self._store.state,
                source=source.name,
                is_listed=False,
                rows=(),
                skipped=(),
                selected=None,
                notices=(),
            )
        )

        def work(tell: Callable[[float], None]) -> Listing:
            def on_progress(fraction: float) -> bool:
                tell(fraction)
                return not stop.is_set

            return self._studies.list_series(source, on_progress)

        self._workers.start_reporting(
            work,
            partial(self._told, stop),
            partial(self._listed, stop, opens_single),
            partial(self._failed, stop),
        )

    def show_listing(self, source: str, listing: Listing) -> None:
        """Show what somebody else has listed; ``source`` is the name of the file or folder."""
        if self.state.is_busy:
            return
        self._store.become(replace(self._store.state, source=source, notices=(), problem=""))
        self._take(listing)

    def select(self, key: int | None) -> None:
        self._store.become(replace(self._store.state, selected=key))

    def show_skipped(self, is_wanted: bool) -> None:
        """Show, or hide again, the files that are in no series."""
        self._store.become(replace(self._store.state, shows_skipped=is_wanted))

    def open_series(self, key: int) -> None:
        """Open a series into a layer: its middle slice at once, the others as they come."""
        self.select(key)
        if not self.state.can_open:
            return
        series, row = self._series[key], self.state.row
        stop = self._begin(Doing.OPENING)
        self._workers.start(
            partial(self._studies.open_series, series),
            partial(self._opened, stop, row),
            partial(self._failed, stop),
        )

    def cancel(self) -> None:
        """Stop what is under way."""
        if self.state.is_busy:
            self._stop.set()
            self._store.become(
                replace(
                    self._store.state,
                    doing=Doing.NOTHING,
                    fraction=0.0,
                    notices=(messages.CANCELLED,),
                )
            )
        else:
            self._loading.cancel()

    def close(self) -> None:
        """Stop all; what is still read shows nothing."""
        self._store.is_closed = True
        self._stop.set()
        self._loading.close()

    def _begin(self, doing: Doing) -> Stop:
        self._stop = Stop()
        self._store.become(replace(self._store.state, doing=doing, fraction=0.0, problem=""))
        return self._stop

    def _told(self, stop: Stop, fraction: float) -> None:
        if self._is_wanted(stop):
            self._store.become(replace(self._store.state, fraction=fraction))

    def _listed(self, stop: Stop, opens_single: bool, listing: Listing) -> None:
        if not self._is_wanted(stop):
            return
        self._store.become(replace(self._store.state, doing=Doing.NOTHING, fraction=0.0))
        self._take(listing)
        openable = [row.key for row in self.state.rows if row.can_open]
        if opens_single and len(openable) == 1:
            self.open_series(openable[0])

    def _take(self, listing: Listing) -> None:
        self._series = listing.series
        rows = build_rows(listing)
        can_open = [row.key for row in rows if row.can_open]
        self._store.become(
            replace(
                self._store.state,
                is_listed=True,
                rows=rows,
                skipped=listing.skipped,
                selected=can_open[0] if can_open else None,
            )
        )

    def _opened(self, stop: Stop, row: SeriesRow | None, opened: OpenedSeries) -> None:
        if not self._is_wanted(stop):
            return
        told = row.remarks if row is not None else ()  # they stand below the table already
        notices = tuple(one for one in opened.volume.notices if one not in told)
        self._store.become(replace(self._store.state, doing=Doing.NOTHING, notices=notices))
        self._loading.start(self._layers.add(opened), opened)

    def _failed(self, stop: Stop, sentence: str) -> None:
        if self._is_wanted(stop):
            self._store.become(
                replace(self._store.state, doing=Doing.NOTHING, fraction=0.0, problem=sentence)
            )

    def _is_wanted(self, stop: Stop) -> bool:
        return stop is self._stop and not stop.is_set and not self._store.is_closed
