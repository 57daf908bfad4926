"""Follows a run by the file it writes: looked at in worker threads, told on the Qt thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qtpy.QtCore import QObject, QTimer

from napari_tgcnet.finetune.ports import News
from napari_tgcnet.finetune.process import is_alive, last_words
from napari_tgcnet.shared.store import Workers
from tgcnet.finetune.events import ENDS, read_timed

POLL_MS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    news: News
    offset: int


class RunWatch(QObject):
    """The :class:`napari_tgcnet.finetune.ports.Watch` of a run on this machine's disk.

    Parameters
    ----------
    poll_ms : the pause after a look; there is never more than one at a time
    """

    def __init__(
        self, workers: Workers, poll_ms: int = POLL_MS, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._workers = workers
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(poll_ms)
        self._timer.timeout.connect(self._look)
        self._run: Path | None = None
        self._listener: Callable[[News], None] | None = None
        self._offset = 0
        # A look that belongs to what was followed before is not told any more.
        self._number = 0

    @property
    def is_following(self) -> bool:
        return self._run is not None

    def follow(self, run: Path, listener: Callable[[News], None]) -> None:
        """Tell all events of a run from its beginning on, until its process is gone."""
        self.stop()
        self._run, self._listener, self._offset = run, listener, 0
        self._look()

    def stop(self) -> None:
        """Tell nothing more; the run itself goes on."""
        self._timer.stop()
        self._run, self._listener = None, None
        self._number += 1

    def _look(self) -> None:
        if self._run is not None:
            number, work = self._number, partial(look, self._run, self._offset)
            self._workers.start(work, partial(self._took, number), partial(self._failed, number))

    def _took(self, number: int, seen: _Look) -> None:
        if number != self._number or self._listener is None:
            return
        self._offset = seen.offset
        self._listener(seen.news)
        # The listener may have stopped us, or had us follow another one.
        if number == self._number:
            self._go_on(seen.news.is_alive)

    def _failed(self, number: int, sentence: str) -> None:
        """What cannot be read now may be readable next time: the run itself goes on."""
        if number == self._number:
            self._go_on(is_alive=True)

    def _go_on(self, is_alive: bool) -> None:
        if is_alive:
            self._timer.start()
        else:
            self.stop()


def look(run: Path, offset: int) -> _Look:
    """What is new in a run's folder; for a worker thread."""
    # Asked before the events are read: of a process that is gone by then, all have been written.
    lives = is_alive(run)
    events, end = read_timed(run, offset)
    is_said = bool(events) and isinstance(events[-1].event, ENDS)
    words = "" if lives or is_said else last_words(run)
    return _Look(news=News(events=tuple(events), is_alive=lives, last_words=words), offset=end)
