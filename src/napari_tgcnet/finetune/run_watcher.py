"""Follows a run by its folder, read in worker threads and reported on the Qt thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qtpy.QtCore import QObject, QTimer

from napari_tgcnet.finetune.run_processes import is_alive, last_log_line
from napari_tgcnet.finetune.state import RunUpdate
from napari_tgcnet.segment.ports import Workers
from tgcnet.finetune.events import ENDS, read_timed

POLL_MS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    update: RunUpdate
    offset: int


class RunFolderWatcher(QObject):
    """The :class:`napari_tgcnet.finetune.ports.RunWatcher` of a run folder on this machine.

    Parameters
    ----------
    poll_ms : pause between two looks, which never overlap
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
        self._listener: Callable[[RunUpdate], None] | None = None
        self._offset = 0
        # Grows with each run followed; the result of a look at an earlier one is dropped.
        self._generation = 0

    @property
    def is_following(self) -> bool:
        return self._run is not None

    def follow(self, run: Path, listener: Callable[[RunUpdate], None]) -> None:
        """Report all events of a run from its beginning until its process is gone."""
        self.stop()
        self._run, self._listener, self._offset = run, listener, 0
        self._look()

    def stop(self) -> None:
        """Report nothing more; the run itself goes on."""
        self._timer.stop()
        self._run, self._listener = None, None
        self._generation += 1

    def _look(self) -> None:
        if self._run is not None:
            generation, work = self._generation, partial(look, self._run, self._offset)
            self._workers.start(
                work, partial(self._looked, generation), partial(self._failed, generation)
            )

    def _looked(self, generation: int, found: _Look) -> None:
        if generation != self._generation or self._listener is None:
            return
        self._offset = found.offset
        self._listener(found.update)
        # The listener may have stopped the watcher or made it follow another run.
        if generation == self._generation:
            self._schedule_next(found.update.is_alive)

    def _failed(self, generation: int, sentence: str) -> None:
        """Try again later: the run itself goes on."""
        if generation == self._generation:
            self._schedule_next(is_alive=True)

    def _schedule_next(self, is_alive: bool) -> None:
        if is_alive:
            self._timer.start()
        else:
            self.stop()


def look(run: Path, offset: int) -> _Look:
    """Read what is new in a run's folder; for a worker thread."""
    # Checked before reading: a process that is gone by now has written all its events.
    alive = is_alive(run)
    events, end = read_timed(run, offset)
    reported_end = bool(events) and isinstance(events[-1].event, ENDS)
    line = "" if alive or reported_end else last_log_line(run)
    update = RunUpdate(events=tuple(events), is_alive=alive, last_log_line=line)
    return _Look(update=update, offset=end)
