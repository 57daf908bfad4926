"""Thumbnails, one after another in the background; none is drawn twice. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from napari_tgcnet.corrections.ports import CorrectionsView, Shelf
from napari_tgcnet.corrections.state import CorrectionsState
from napari_tgcnet.shared.store import Store, Workers
from tgcnet.corrections import CaseSummary

_Key = tuple[str, int]
"""Case and revision: neither ever changes what it shows."""


class Drawing:
    """Draws the cases of the state, the latest first; ends when the panel is closed.

    Parameters
    ----------
    on_broken : called when a case turns out to be one that cannot be drawn
    on_gone : called when a case lies no longer where the listing found it
    """

    def __init__(
        self,
        store: Store[CorrectionsState],
        *,
        view: CorrectionsView,
        shelf: Shelf,
        workers: Workers,
        on_broken: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._store, self._view = store, view
        self._shelf, self._workers = shelf, workers
        self._on_broken, self._on_gone = on_broken, on_gone
        self._drawn: set[_Key] = set()
        self._broken: dict[_Key, str] = {}
        self._is_drawing = False

    def broken_among(self, cases: tuple[CaseSummary, ...]) -> tuple[str, ...]:
        """Sentences on those of these cases that could not be drawn."""
        keys = map(_key_of, cases)
        return tuple(self._broken[key] for key in keys if key in self._broken)

    def forget_broken(self) -> None:
        """Try those again that could not be drawn: they may have been mended."""
        self._broken.clear()

    def go_on(self) -> None:
        """Draw the next one, if there is one and none is being drawn."""
        state = self._store.state
        if self._is_drawing or self._store.is_closed:
            return
        wanted = [case for case in state.cases if self._is_wanted(_key_of(case))]
        if not wanted:
            return
        case_id, revision = _key_of(max(wanted, key=lambda case: case.saved_utc))
        self._is_drawing = True
        self._workers.start(
            partial(self._shelf.thumbnail, state.folder, case_id, in_bin=state.shows_bin),
            partial(self._take, (case_id, revision)),
            partial(self._fail, (case_id, revision)),
        )

    def _is_wanted(self, key: _Key) -> bool:
        return key not in self._drawn and key not in self._broken

    def _take(self, key: _Key, pixels: np.ndarray | None) -> None:
        self._is_drawing = False
        if self._store.is_closed:
            return
        if pixels is None:
            self._on_gone()
            return
        self._drawn.add(key)
        self._view.show_thumbnail(*key, pixels)
        self.go_on()

    def _fail(self, key: _Key, sentence: str) -> None:
        self._is_drawing = False
        if self._store.is_closed:
            return
        self._broken[key] = sentence
        self._on_broken()
        self.go_on()


def _key_of(case: CaseSummary) -> _Key:
    return case.case_id, case.num_revisions
