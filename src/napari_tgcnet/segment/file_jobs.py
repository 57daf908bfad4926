"""Files opened and saved from the panel: one at a time, off the Qt thread. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from napari_tgcnet.segment.ports import Files, Layers
from napari_tgcnet.segment.state import Phase, SegmentState
from napari_tgcnet.shared import messages
from napari_tgcnet.shared.case import LayerTuple
from napari_tgcnet.shared.store import Store, Workers
from tgcnet.errors import TgcnetError
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About

T = TypeVar("T")


class FileJobs:
    """Reads images and reports and writes masks; the panel is busy meanwhile."""

    def __init__(
        self,
        *,
        store: Store[SegmentState],
        layers: Layers,
        workers: Workers,
        files: Files,
        when_idle: Callable[[], None],
    ) -> None:
        self._store, self._layers, self._when_idle = store, layers, when_idle
        self._workers, self._files = workers, files
        self._shown: tuple[str, ...] = ()

    def open_image(self, path: Path, then: Callable[[LayerTuple], None]) -> None:
        self.work(Phase.READING_FILE, lambda: self._files.read_image(path), then)

    def open_report(self, path: Path, about: About, then: Callable[[ReportFile], None]) -> None:
        self.work(Phase.READING_FILE, lambda: self._files.read_report(path, about), then)

    def save_mask(self, path: Path, *, deidentify: bool = False) -> None:
        """Save the chosen image's mask; a notice names the layer and the file's patient data."""
        state = self._store.state
        if state.image_id is None or state.is_busy:
            return
        self.clear_notices()
        try:
            snapshot = self._layers.snapshot_mask(state.image_id)
        except TgcnetError as error:
            self._store.become(replace(self._store.state, problem=str(error)))
            return
        self.work(
            Phase.SAVING_FILE,
            lambda: self._files.save_mask(snapshot, path, deidentify=deidentify),
            lambda _: self.show_notices(
                messages.saved(snapshot.name, path.name, deidentify=deidentify)
            ),
        )

    def show_notices(self, *notices: str) -> None:
        """Show notices about a file until work on the next one starts."""
        self._shown = notices
        self._store.become(replace(self._store.state, notices=notices))

    def clear_notices(self) -> None:
        """Remove the notices about the last file, so that they are not taken for the next one's."""
        notices = tuple(one for one in self._store.state.notices if one not in self._shown)
        self._store.become(replace(self._store.state, notices=notices, problem=""))

    def work(self, phase: Phase, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Call ``work`` in a worker thread, then ``then``; the panel is busy meanwhile."""
        store = self._store
        if store.state.is_busy:
            return
        self.clear_notices()
        store.become(replace(store.state, phase=phase))

        def done(result: T) -> None:
            if not store.is_closed:
                store.become(replace(store.state, phase=Phase.IDLE))
                self._when_idle()
                then(result)

        def failed(sentence: str) -> None:
            if not store.is_closed:
                store.become(replace(store.state, phase=Phase.IDLE))
                self._when_idle()
                store.become(replace(store.state, problem=sentence))

        self._workers.start(work, done, failed)
