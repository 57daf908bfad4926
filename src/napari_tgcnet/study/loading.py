"""The slices of opened series, brought into memory in the background. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from napari_tgcnet.shared.store import Store
from napari_tgcnet.study import messages
from napari_tgcnet.study.ports import OpenedSeries, ReportingWorkers, Studies, StudyLayers
from napari_tgcnet.study.state import StudyState
from napari_tgcnet.study.stop import Stop


class Loading:
    """Loads the slices of each opened series, from the shown one outwards; all at once if many."""

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
        self._under_way: dict[Stop, tuple[int, int]] = {}

    def start(self, image_id: str, opened: OpenedSeries) -> None:
        """Load what is not in memory yet; ends early where the layer goes."""
        num_slices = opened.stack.shape[0]
        if num_slices == 1:
            return
        stop = Stop()
        self._under_way[stop] = (0, num_slices)
        self._show()
        self._workers.start_reporting(
            partial(self._load_all, opened, stop),
            partial(self._told, image_id, stop),
            partial(self._ended, stop),
            partial(self._failed, stop),
        )

    def cancel(self) -> None:
        """Leave the rest to whoever comes to a slice; says so where there was a rest."""
        if self._under_way:
            self.close()
            self._under_way.clear()
            self._show()
            self._store.become(
                replace(
                    self._store.state,
                    notices=(*self._store.state.notices, messages.LOADING_STOPPED),
                )
            )

    def close(self) -> None:
        for stop in self._under_way:
            stop.set()

    def _load_all(self, opened: OpenedSeries, stop: Stop, tell: Callable[[int], None]) -> None:
        """For a worker thread."""

        def on_slice(num_loaded: int) -> bool:
            tell(num_loaded)
            return not stop.is_set

        self._studies.load(opened, on_slice)

    def _told(self, image_id: str, stop: Stop, num_loaded: int) -> None:
        if stop not in self._under_way:
            return
        if not self._layers.has(image_id):
            stop.set()  # nobody looks at it any more
        self._under_way[stop] = (num_loaded, self._under_way[stop][1])
        self._show()

    def _ended(self, stop: Stop, _: None) -> None:
        self._under_way.pop(stop, None)
        self._show()

    def _failed(self, stop: Stop, sentence: str) -> None:
        """A slice that cannot be read is told; one that nobody waits for any more is not."""
        self._under_way.pop(stop, None)
        self._show()
        if not stop.is_set and not self._store.is_closed:
            self._store.become(replace(self._store.state, problem=sentence))

    def _show(self) -> None:
        if not self._store.is_closed:
            counts = self._under_way.values()
            self._store.become(
                replace(
                    self._store.state,
                    num_loaded=sum(done for done, _ in counts),
                    num_to_load=sum(total for _, total in counts),
                )
            )
