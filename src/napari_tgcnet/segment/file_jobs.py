"""Files opened and saved from the panel: one at a time, off the Qt thread. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.ports import Files, Layers, LayerTuple, Workers
from napari_tgcnet.segment.state import PanelState, Phase
from napari_tgcnet.shared.store import Store
from tgcnet.errors import TgcnetError
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About

T = TypeVar("T")


class Filing:
    """Reads images and reports, writes masks; while it works the panel is busy."""

    def __init__(
        self,
        *,
        store: Store[PanelState],
        layers: Layers,
        workers: Workers,
        files: Files,
        when_idle: Callable[[], None],
    ) -> None:
        self._store, self._layers, self._when_idle = store, layers, when_idle
        self._workers, self._files = workers, files
        self._said: tuple[str, ...] = ()

    def open_image(self, path: Path, then: Callable[[LayerTuple], None]) -> None:
        self.work(Phase.READING_FILE, lambda: self._files.read_image(path), then)

    def open_report(self, path: Path, about: About, then: Callable[[ReportFile], None]) -> None:
        self.work(Phase.READING_FILE, lambda: self._files.read_report(path, about), then)

    def save_mask(self, path: Path, *, deidentify: bool = False) -> None:
        """Save the chosen image's mask; say which layer that was, and whose data went along."""
        state = self._store.state
        if state.image_id is None or state.is_busy:
            return
        self.forget()
        try:
            taken = self._layers.take_mask(state.image_id)
        except TgcnetError as error:
            self._store.become(replace(self._store.state, problem=str(error)))
            return
        self.work(
            Phase.SAVING_FILE,
            lambda: self._files.save_mask(taken, path, deidentify=deidentify),
            lambda _: self.say(messages.saved(taken.name, path.name, deidentify=deidentify)),
        )

    def say(self, *notices: str) -> None:
        """Show what came of a file; it stands until the next one's work."""
        self._said = notices
        self._store.become(replace(self._store.state, notices=notices))

    def forget(self) -> None:
        """Take back what was said of the last file: it must not stand beside the next one's."""
        notices = tuple(one for one in self._store.state.notices if one not in self._said)
        self._store.become(replace(self._store.state, notices=notices, problem=""))

    def work(self, phase: Phase, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work in a worker thread, the panel busy meanwhile; ``then`` gets what it gave."""
        store = self._store
        if store.state.is_busy:
            return
        self.forget()
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
