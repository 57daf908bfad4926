"""Which models there are and which is active; nothing is switched without a person. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import Models
from napari_tgcnet.finetune.state import FinetuneState, ModelListing
from napari_tgcnet.shared.store import Store, Workers


class Switching:
    """Lists models, switches, goes back, deletes.

    Parameters
    ----------
    models_changed : called after each change
    listed : called when the list was read anew
    """

    def __init__(
        self,
        *,
        store: Store[FinetuneState],
        workers: Workers,
        models: Models,
        models_changed: Callable[[], None],
        listed: Callable[[], None],
    ) -> None:
        self._store, self._workers, self._models = store, workers, models
        self._models_changed, self._listed = models_changed, listed
        self._asked_for: Callable[[], None] | None = None
        self._is_listing = self._is_outdated = False

    def refresh(self) -> None:
        """Read the list anew; where that is under way already, once more after it."""
        if self._store.is_closed:
            return
        if self._is_listing:
            self._is_outdated = True
            return
        self._is_listing, self._is_outdated = True, False
        self._workers.start(self._models.listing, self._take, self._list_failed)

    def select(self, name: str) -> None:
        """Show a model's lineage; what was asked about another one is off."""
        self._asked_for = None
        self._store.become(
            replace(self._store.state, selected=name, question="", models_problem="")
        )

    def switch(self) -> None:
        """Switch to the selected model, after a question where something speaks against it."""
        row = self._store.state.selected_row
        if row is None or row.is_active or self._store.state.is_switching:
            return
        work = partial(self._models.switch_to, row.name)
        if row.caution:
            self._ask(f"{row.caution} {messages.SWITCH_ALL_THE_SAME}", work)
        else:
            self._change(work)

    def answer(self, is_yes: bool) -> None:
        """Take the answer to the question that stands in the panel."""
        work, self._asked_for = self._asked_for, None
        self._store.become(replace(self._store.state, question=""))
        if is_yes and work is not None:
            self._change(work)

    def go_back(self) -> None:
        if self._store.state.models.previous is not None:
            self._change(self._models.go_back)

    def delete(self) -> None:
        """Delete the selected model, after a question: there is no way back."""
        row = self._store.state.selected_row
        if row is None or self._store.state.is_switching:
            return
        if row.is_active:
            self._store.become(
                replace(self._store.state, models_problem=messages.removed_active(row.name))
            )
        elif not row.is_own:
            self._store.become(
                replace(self._store.state, models_problem=messages.removed_shipped(row.name))
            )
        else:
            self._ask(messages.delete_for_good(row.name), partial(self._models.delete, row.name))

    def _ask(self, question: str, work: Callable[[], None]) -> None:
        self._asked_for = work
        self._store.become(replace(self._store.state, question=question, models_problem=""))

    def _change(self, work: Callable[[], None]) -> None:
        if self._store.state.is_switching:
            return
        self._asked_for = None
        self._store.become(
            replace(self._store.state, is_switching=True, question="", models_problem="")
        )
        self._workers.start(work, self._changed, self._change_failed)

    def _changed(self, nothing: None) -> None:
        # Others want to know of it even if this panel is gone by now.
        if not self._store.is_closed:
            self._store.become(replace(self._store.state, is_switching=False))
        self._models_changed()

    def _change_failed(self, sentence: str) -> None:
        if not self._store.is_closed:
            self._store.become(
                replace(self._store.state, is_switching=False, models_problem=sentence)
            )
            self.refresh()

    def _take(self, listing: ModelListing) -> None:
        self._is_listing = False
        if self._store.is_closed:
            return
        names = [row.name for row in listing.rows]
        state = self._store.state
        # A candidate that just came may stand in the next list only.
        keeps = state.selected in names or state.selected == state.progress.candidate != ""
        selected = state.selected if keeps else listing.active
        chosen = state.chosen_parent if state.chosen_parent in names else None
        self._store.become(
            replace(self._store.state, models=listing, selected=selected, chosen_parent=chosen)
        )
        if self._is_outdated:
            self.refresh()
        else:
            self._listed()

    def _list_failed(self, sentence: str) -> None:
        self._is_listing = False
        if not self._store.is_closed:
            self._store.become(replace(self._store.state, models_problem=sentence))
