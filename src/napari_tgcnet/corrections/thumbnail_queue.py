"""Draws thumbnails one after another in the background, none of them twice. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from napari_tgcnet.corrections.ports import CorrectionsView, LedgerStore
from napari_tgcnet.corrections.state import CorrectionsState
from napari_tgcnet.segment.ports import Workers
from napari_tgcnet.shared.store import Store
from tgcnet.corrections import CaseSummary

_Key = tuple[str, int]
"""Case and revision; the picture of a revision never changes."""


class ThumbnailQueue:
    """Draws the cases of the state, the latest first, until the panel is closed.

    Parameters
    ----------
    on_broken : called when a case cannot be drawn
    on_moved : called when a case has been moved into or out of the bin since it was listed
    """

    def __init__(
        self,
        store: Store[CorrectionsState],
        *,
        view: CorrectionsView,
        ledger_store: LedgerStore,
        workers: Workers,
        on_broken: Callable[[], None],
        on_moved: Callable[[], None],
    ) -> None:
        self._store, self._view = store, view
        self._ledger_store, self._workers = ledger_store, workers
        self._on_broken, self._on_moved = on_broken, on_moved
        self._drawn: set[_Key] = set()
        self._broken: dict[_Key, str] = {}
        self._is_drawing = False

    def broken_among(self, cases: tuple[CaseSummary, ...]) -> tuple[str, ...]:
        """Why some of these cases could not be drawn, a sentence each."""
        keys = map(_key_of, cases)
        return tuple(self._broken[key] for key in keys if key in self._broken)

    def forget_broken(self) -> None:
        """Have cases that could not be drawn tried again: they may have been repaired."""
        self._broken.clear()

    def draw_next(self) -> None:
        """Draw the next thumbnail, unless one is being drawn or none is left."""
        state = self._store.state
        if self._is_drawing or self._store.is_closed:
            return
        wanted = [case for case in state.cases if self._is_wanted(_key_of(case))]
        if not wanted:
            return
        case_id, revision = _key_of(max(wanted, key=lambda case: case.saved_utc))
        self._is_drawing = True
        self._workers.start(
            partial(self._ledger_store.thumbnail, state.folder, case_id, in_bin=state.shows_bin),
            partial(self._show, (case_id, revision)),
            partial(self._failed, (case_id, revision)),
        )

    def _is_wanted(self, key: _Key) -> bool:
        return key not in self._drawn and key not in self._broken

    def _show(self, key: _Key, pixels: np.ndarray | None) -> None:
        self._is_drawing = False
        if self._store.is_closed:
            return
        if pixels is None:
            self._on_moved()
            return
        self._drawn.add(key)
        self._view.show_thumbnail(*key, pixels)
        self.draw_next()

    def _failed(self, key: _Key, sentence: str) -> None:
        self._is_drawing = False
        if self._store.is_closed:
            return
        self._broken[key] = sentence
        self._on_broken()
        self.draw_next()


def _key_of(case: CaseSummary) -> _Key:
    return case.case_id, case.num_revisions
