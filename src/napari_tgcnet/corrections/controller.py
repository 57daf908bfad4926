"""What the panel of corrections does at each action; the only holder of its state. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.corrections import messages
from napari_tgcnet.corrections.ports import CaseLayers, CorrectionsView, LedgerStore
from napari_tgcnet.corrections.state import (
    Activity,
    CorrectionsState,
    LedgerStatus,
    MoveResult,
    OpenedCase,
)
from napari_tgcnet.corrections.thumbnail_queue import ThumbnailQueue
from napari_tgcnet.segment.ports import T, Workers
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store
from tgcnet.corrections import Listing


class CorrectionsController:
    """Shows the session's ledger; opens, deletes and restores its cases off the Qt thread.

    Parameters
    ----------
    session : shared by all panels, which learn of changes made here through its signals
    """

    def __init__(
        self,
        *,
        view: CorrectionsView,
        layers: CaseLayers,
        ledger_store: LedgerStore,
        workers: Workers,
        session: Session,
    ) -> None:
        self._layers, self._ledger_store = layers, ledger_store
        self._workers, self._session = workers, session
        self._store = Store(view, CorrectionsState(folder=session.ledger))
        self._thumbnails = ThumbnailQueue(
            self._store,
            view=view,
            ledger_store=ledger_store,
            workers=workers,
            on_broken=self._show_broken,
            on_moved=self.reload,
        )
        self._listed_broken: tuple[str, ...] = ()
        self._list_problem = ""
        self._is_outdated = False

    @property
    def state(self) -> CorrectionsState:
        return self._store.state

    def open_panel(self) -> None:
        """Read the ledger, and again whenever another panel changes it."""
        self._session.ledger_chosen.connect(self.follow_ledger)
        self._session.corrections_changed.connect(self.reload)
        self.reload()

    def close(self) -> None:
        """Leave the session; pending results are dropped, no more thumbnails are drawn."""
        self._store.is_closed = True
        self._session.ledger_chosen.disconnect(self.follow_ledger)
        self._session.corrections_changed.disconnect(self.reload)

    def choose_ledger(self, folder: str) -> None:
        """Make all panels use another ledger, or an empty folder that will become one."""
        if self.state.is_busy:
            return
        path = Path(folder)
        self._begin(Activity.CHOOSING)
        self._start(
            partial(self._ledger_store.check, path), partial(self._chosen, path), self._failed
        )

    def follow_ledger(self, folder: Path) -> None:
        """Show another ledger."""
        self._become(replace(self.state, folder=folder, problem="", notice=""))
        self._forget_cases()
        self.reload()

    def show_bin(self, shows_bin: bool) -> None:
        """List the deleted cases, or go back to the others."""
        if shows_bin != self.state.shows_bin:
            self._become(replace(self.state, shows_bin=shows_bin, problem="", notice=""))
            self._forget_cases()
            self.reload()

    def select(self, case_ids: Sequence[str]) -> None:
        self._become(replace(self.state, selected=tuple(case_ids)))

    def open_case(self, case_id: str) -> None:
        """Open a case into layers; if it is open already, only select it."""
        if self.state.is_busy or self.state.shows_bin:
            return
        self._become(replace(self.state, problem="", notice=""))
        if self._layers.select(self.state.folder, case_id):
            self._become(replace(self.state, notice=messages.open_already(case_id)))
            return
        self._begin(Activity.OPENING)
        work = partial(self._ledger_store.open_case, self.state.folder, case_id)
        self._start(work, self._opened, self._failed_on_case)

    def delete(self) -> None:
        """Move the selected cases to the bin."""
        if self.state.can_delete:
            self._move(to_bin=True)

    def restore(self) -> None:
        """Move the selected cases back from the bin."""
        if self.state.can_restore:
            self._move(to_bin=False)

    def reload(self) -> None:
        """Read the list again; if it is being read now, once more afterwards."""
        if self._store.is_closed:
            return
        if self.state.is_reading:
            self._is_outdated = True
            return
        self._is_outdated = False
        self._become(replace(self.state, is_reading=True))
        state = self.state
        self._start(
            partial(self._ledger_store.list_cases, state.folder, in_bin=state.shows_bin),
            self._listed,
            self._list_failed,
        )

    def _listed(self, listing: Listing | None) -> None:
        if self._reload_if_outdated():
            return
        cases = listing.cases if listing else ()
        self._listed_broken = tuple(one.sentence for one in listing.problems) if listing else ()
        known = {case.case_id for case in cases}
        state = self.state
        self._become(
            replace(
                state,
                is_reading=False,
                ledger_status=LedgerStatus.PRESENT if listing else LedgerStatus.MISSING,
                cases=cases,
                selected=tuple(case_id for case_id in state.selected if case_id in known),
                # The list could be read this time.
                problem="" if state.problem == self._list_problem else state.problem,
            )
        )
        self._show_broken()
        self._thumbnails.draw_next()

    def _list_failed(self, sentence: str) -> None:
        if not self._reload_if_outdated():
            self._forget_cases()
            self._list_problem = sentence
            self._become(replace(self.state, is_reading=False, problem=sentence))

    def _reload_if_outdated(self) -> bool:
        """Read the list once more, and return True, if a change came while it was read."""
        if self._is_outdated:
            self._become(replace(self.state, is_reading=False))
            self.reload()
            return True
        return False

    def _forget_cases(self) -> None:
        self._listed_broken = ()
        self._thumbnails.forget_broken()
        self._become(
            replace(
                self.state, ledger_status=LedgerStatus.UNKNOWN, cases=(), selected=(), broken=()
            )
        )

    def _show_broken(self) -> None:
        broken = self._listed_broken + self._thumbnails.broken_among(self.state.cases)
        self._become(replace(self.state, broken=broken))

    def _chosen(self, folder: Path, _: None) -> None:
        self._become(replace(self.state, activity=Activity.NONE))
        if folder == self._session.ledger:
            self.follow_ledger(folder)  # the session emits nothing, but the list may be outdated
        else:
            self._session.choose_ledger(folder)

    def _opened(self, opened: OpenedCase) -> None:
        self._become(replace(self.state, activity=Activity.NONE))
        self._layers.add(opened)
        self._become(replace(self.state, notice=messages.opened(opened.case)))

    def _failed_on_case(self, sentence: str) -> None:
        """The ledger may have changed since it was listed."""
        self._failed(sentence)
        self.reload()

    def _failed(self, sentence: str) -> None:
        self._become(replace(self.state, activity=Activity.NONE, problem=sentence))

    def _move(self, *, to_bin: bool) -> None:
        self._begin(Activity.MOVING)
        state = self.state
        self._start(
            partial(self._ledger_store.move, state.folder, state.selected, to_bin=to_bin),
            partial(self._moved, to_bin),
            self._failed_on_case,
        )

    def _moved(self, to_bin: bool, moved: MoveResult) -> None:
        self._become(
            replace(
                self.state,
                activity=Activity.NONE,
                problem="\n".join(moved.problems),
                notice=messages.moved(moved.num_moved, to_bin=to_bin) if moved.num_moved else "",
            )
        )
        if moved.num_moved:
            self._session.corrections_changed.emit()  # reloads this panel, too
        else:
            self.reload()

    def _begin(self, activity: Activity) -> None:
        self._become(replace(self.state, activity=activity, problem="", notice=""))

    def _start(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """Work off the Qt thread; results that arrive after the panel was closed are dropped."""

        def unless_closed(value: T) -> None:
            if not self._store.is_closed:
                then(value)

        def failed_unless_closed(sentence: str) -> None:
            if not self._store.is_closed:
                failed(sentence)

        self._workers.start(work, unless_closed, failed_unless_closed)

    def _become(self, state: CorrectionsState) -> None:
        if not self._store.is_closed:
            self._store.become(state)
