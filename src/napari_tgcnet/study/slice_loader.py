"""Loads the remaining slices of opened series in the background. No Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from napari_tgcnet.shared.store import Store
from napari_tgcnet.study import messages
from napari_tgcnet.study.ports import ReportingWorkers, Studies, StudyLayers
from napari_tgcnet.study.state import OpenedSeries, StudyState


class SliceLoader:
    """Loads the slices of each opened series; several series are loaded at the same time."""

    def __init__(
        self,
        store: Store[StudyState],
        *,
        studies: Studies,
        layers: StudyLayers,
        workers: ReportingWorkers,
    ) -> None:
        self._store, self._studies = store, studies
        self._layers, self._workers = layers, workers
        # By the event that stops the loading: slices in memory, and all slices.
        self._counts: dict[threading.Event, tuple[int, int]] = {}

    def start(self, image_id: str, opened: OpenedSeries) -> None:
        """Load the slices that are not in memory yet; stops early if the layer is removed."""
        num_slices = opened.stack.shape[0]
        if num_slices == 1:
            return
        stop = threading.Event()
        self._counts[stop] = (0, num_slices)
        self._show_counts()
        self._workers.start_reporting(
            partial(self._load_all, opened, stop),
            partial(self._count, image_id, stop),
            partial(self._finished, stop),
            partial(self._failed, stop),
        )

    def cancel(self) -> None:
        """Stop loading, with a notice; each remaining slice is read when it is displayed."""
        if self._counts:
            self.close()
            self._counts.clear()
            self._show_counts()
            state = self._store.state
            notices = (*state.notices, messages.LOADING_STOPPED)
            self._store.become(replace(state, notices=notices))

    def close(self) -> None:
        for stop in self._counts:
            stop.set()

    def _load_all(
        self, opened: OpenedSeries, stop: threading.Event, report: Callable[[int], None]
    ) -> None:
        """For a worker thread."""

        def on_slice(num_loaded: int) -> bool:
            report(num_loaded)
            return not stop.is_set()

        self._studies.load(opened, on_slice)

    def _count(self, image_id: str, stop: threading.Event, num_loaded: int) -> None:
        if stop not in self._counts:
            return
        if not self._layers.has(image_id):
            stop.set()  # the user removed the layer
        self._counts[stop] = (num_loaded, self._counts[stop][1])
        self._show_counts()

    def _finished(self, stop: threading.Event, _: None) -> None:
        self._counts.pop(stop, None)
        self._show_counts()

    def _failed(self, stop: threading.Event, sentence: str) -> None:
        """Report a slice that cannot be read, unless loading was stopped."""
        self._counts.pop(stop, None)
        self._show_counts()
        if not stop.is_set() and not self._store.is_closed:
            self._store.become(replace(self._store.state, problem=sentence))

    def _show_counts(self) -> None:
        if not self._store.is_closed:
            counts = self._counts.values()
            self._store.become(
                replace(
                    self._store.state,
                    num_loaded=sum(loaded for loaded, _ in counts),
                    num_to_load=sum(total for _, total in counts),
                )
            )
