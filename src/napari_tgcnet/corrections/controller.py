"""What the panel of corrections does at each wish; the only holder of its state. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_tgcnet.corrections import messages
from napari_tgcnet.corrections.drawing import Drawing
from napari_tgcnet.corrections.ports import CaseLayers, CorrectionsView, Moved, OpenedCase, Shelf
from napari_tgcnet.corrections.state import CorrectionsState, Doing, Found
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store, T, Workers
from tgcnet.corrections import Listing


class CorrectionsController:
    """Follows the session's ledger; turns wishes into work off the Qt thread.

    Parameters
    ----------
    session : of all panels; what is changed here is announced there
    """

    def __init__(
        self,
        *,
        view: CorrectionsView,
        layers: CaseLayers,
        shelf: Shelf,
        workers: Workers,
        session: Session,
    ) -> None:
        self._layers, self._shelf = layers, shelf
        self._workers, self._session = workers, session
        self._store = Store(view, CorrectionsState(folder=session.ledger))
        self._drawing = Drawing(
            self._store,
            view=view,
            shelf=shelf,
            workers=workers,
            on_broken=self._show_broken,
            on_gone=self.reload,
        )
        self._listed_broken: tuple[str, ...] = ()
        self._list_problem = ""
        self._is_outdated = False

    @property
    def state(self) -> CorrectionsState:
        return self._store.state

    def open_panel(self) -> None:
        """Read the ledger, and follow what other panels do with it."""
        self._session.ledger_chosen.connect(self.follow_ledger)
        self._session.corrections_changed.connect(self.reload)
        self.reload()

    def close(self) -> None:
        """Stop following; what is still read shows nothing, and no further thumbnail is drawn."""
        self._store.is_closed = True
        self._session.ledger_chosen.disconnect(self.follow_ledger)
        self._session.corrections_changed.disconnect(self.reload)

    def choose_ledger(self, folder: str) -> None:
        """Have all panels use another ledger, or an empty folder that will become one."""
        if self.state.is_busy:
            return
        path = Path(folder)
        self._begin(Doing.CHOOSING)
        self._start(partial(self._shelf.check, path), partial(self._chosen, path), self._refused)

    def follow_ledger(self, folder: Path) -> None:
        """Show another ledger."""
        self._become(replace(self.state, folder=folder))
        self._forget_cases()
        self._become(replace(self.state, problem="", notice=""))
        self.reload()

    def show_bin(self, shows_bin: bool) -> None:
        """List the deleted cases, or the others again."""
        if shows_bin != self.state.shows_bin:
            self._become(replace(self.state, shows_bin=shows_bin, problem="", notice=""))
            self._forget_cases()
            self.reload()

    def select(self, case_ids: Sequence[str]) -> None:
        self._become(replace(self.state, selected=tuple(case_ids)))

    def open_case(self, case_id: str) -> None:
        """Open a case into layers; one that is open already is only selected."""
        if self.state.is_busy or self.state.shows_bin:
            return
        self._become(replace(self.state, problem="", notice=""))
        if self._layers.select(self.state.folder, case_id):
            self._become(replace(self.state, notice=messages.open_already(case_id)))
            return
        self._begin(Doing.OPENING)
        work = partial(self._shelf.open_case, self.state.folder, case_id)
        self._start(work, self._opened, self._open_failed)

    def delete(self) -> None:
        """Move the selected cases to the bin."""
        if self.state.can_delete:
            self._move(to_bin=True)

    def restore(self) -> None:
        """Move the selected cases back from the bin."""
        if self.state.can_restore:
            self._move(to_bin=False)

    def reload(self) -> None:
        """Read the list anew; one being read now may be older than what it should show."""
        if self._store.is_closed:
            return
        if self.state.is_reading:
            self._is_outdated = True
            return
        self._is_outdated = False
        self._become(replace(self.state, is_reading=True))
        state = self.state
        self._start(
            partial(self._shelf.list_cases, state.folder, in_bin=state.shows_bin),
            self._listed,
            self._list_failed,
        )

    def _listed(self, listing: Listing | None) -> None:
        if self._reads_again():
            return
        cases = listing.cases if listing else ()
        self._listed_broken = tuple(one.sentence for one in listing.problems) if listing else ()
        known = {case.case_id for case in cases}
        if self.state.problem == self._list_problem:
            self._become(
                replace(self.state, problem="")
            )  # what kept the list from being read is over
        self._become(
            replace(
                self.state,
                is_reading=False,
                found=Found.LEDGER if listing else Found.NO_LEDGER_YET,
                cases=cases,
                selected=tuple(case_id for case_id in self.state.selected if case_id in known),
            )
        )
        self._show_broken()
        self._drawing.go_on()

    def _list_failed(self, sentence: str) -> None:
        if not self._reads_again():
            self._forget_cases()
            self._list_problem = sentence
            self._become(replace(self.state, is_reading=False, problem=sentence))

    def _reads_again(self) -> bool:
        """Whether the list that has just come is outdated; then it is read once more."""
        if self._is_outdated:
            self._become(replace(self.state, is_reading=False))
            self.reload()
            return True
        return False

    def _forget_cases(self) -> None:
        self._listed_broken = ()
        self._drawing.forget_broken()
        self._become(replace(self.state, found=Found.UNKNOWN, cases=(), selected=(), broken=()))

    def _show_broken(self) -> None:
        self._become(
            replace(
                self.state,
                broken=self._listed_broken + self._drawing.broken_among(self.state.cases),
            )
        )

    def _chosen(self, folder: Path, _: None) -> None:
        self._become(replace(self.state, doing=Doing.NOTHING))
        if folder == self._session.ledger:
            self.follow_ledger(folder)  # nothing is announced, and the list may be old
        else:
            self._session.choose_ledger(folder)

    def _opened(self, opened: OpenedCase) -> None:
        self._become(replace(self.state, doing=Doing.NOTHING))
        self._layers.add(opened)
        self._become(replace(self.state, notice=messages.opened(opened.case)))

    def _open_failed(self, sentence: str) -> None:
        self._refused(sentence)
        self.reload()

    def _refused(self, sentence: str) -> None:
        self._become(replace(self.state, doing=Doing.NOTHING, problem=sentence))

    def _move(self, *, to_bin: bool) -> None:
        self._begin(Doing.MOVING)
        state = self.state
        self._start(
            partial(self._shelf.move, state.folder, state.selected, to_bin=to_bin),
            partial(self._moved, to_bin),
            self._open_failed,
        )

    def _moved(self, to_bin: bool, moved: Moved) -> None:
        self._become(
            replace(
                self.state,
                doing=Doing.NOTHING,
                problem="\n".join(moved.problems),
                notice=messages.moved(moved.num_moved, to_bin=to_bin) if moved.num_moved else "",
            )
        )
        if moved.num_moved:
            self._session.corrections_changed.emit()  # this panel hears it too, and reads anew
        else:
            self.reload()

    def _begin(self, doing: Doing) -> None:
        self._become(replace(self.state, doing=doing, problem="", notice=""))

    def _start(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[str], None]
    ) -> None:
        """Work off the Qt thread; what comes back after the panel's end is dropped."""

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
