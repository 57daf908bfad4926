"""Lists the registered models, switches between them and deletes them. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import Models
from napari_tgcnet.finetune.state import FinetuneState, ModelListing
from napari_tgcnet.segment.ports import Workers
from napari_tgcnet.shared.store import Store


class ModelSwitching:
    """Changes the active model, only ever at the user's request.

    Parameters
    ----------
    on_changed : called after each switch or deletion
    on_listed : called when the list has been read again
    """

    def __init__(
        self,
        store: Store[FinetuneState],
        *,
        workers: Workers,
        models: Models,
        on_changed: Callable[[], None],
        on_listed: Callable[[], None],
    ) -> None:
        self._store, self._workers, self._models = store, workers, models
        self._on_changed, self._on_listed = on_changed, on_listed
        self._work_in_question: Callable[[], None] | None = None
        self._is_listing = self._is_outdated = False

    def refresh(self) -> None:
        """Read the list again; if it is being read now, once more afterwards."""
        if self._store.is_closed:
            return
        if self._is_listing:
            self._is_outdated = True
            return
        self._is_listing, self._is_outdated = True, False
        self._workers.start(self._models.listing, self._listed, self._list_failed)

    def select(self, name: str) -> None:
        """Show a model's lineage; a question about another model is withdrawn."""
        self._work_in_question = None
        self._store.become(
            replace(self._store.state, selected=name, question="", models_problem="")
        )

    def switch(self) -> None:
        """Switch to the selected model; asks first if something speaks against it."""
        row = self._store.state.selected_row
        if row is None or row.is_active or self._store.state.is_switching:
            return
        work = partial(self._models.switch_to, row.name)
        if row.caution:
            self._ask(f"{row.caution} {messages.SWITCH_ANYWAY}", work)
        else:
            self._change(work)

    def answer(self, is_yes: bool) -> None:
        """Do what the panel's question was about, or drop it."""
        work, self._work_in_question = self._work_in_question, None
        self._store.become(replace(self._store.state, question=""))
        if is_yes and work is not None:
            self._change(work)

    def go_back(self) -> None:
        """Switch back to the model that was active before."""
        if self._store.state.models.previous is not None:
            self._change(self._models.go_back)

    def delete(self) -> None:
        """Delete the selected model; asks first, because it cannot be undone."""
        state = self._store.state
        row = state.selected_row
        if row is None or state.is_switching:
            return
        if row.is_active:
            sentence = messages.cannot_delete_active(row.name)
            self._store.become(replace(state, models_problem=sentence))
        elif not row.is_own:
            sentence = messages.cannot_delete_shipped(row.name)
            self._store.become(replace(state, models_problem=sentence))
        else:
            question = messages.confirm_deletion(row.name)
            self._ask(question, partial(self._models.delete, row.name))

    def _ask(self, question: str, work: Callable[[], None]) -> None:
        self._work_in_question = work
        self._store.become(replace(self._store.state, question=question, models_problem=""))

    def _change(self, work: Callable[[], None]) -> None:
        state = self._store.state
        if state.is_switching:
            return
        self._work_in_question = None
        self._store.become(replace(state, is_switching=True, question="", models_problem=""))
        self._workers.start(work, self._changed, self._change_failed)

    def _changed(self, _: None) -> None:
        if not self._store.is_closed:
            self._store.become(replace(self._store.state, is_switching=False))
        self._on_changed()  # for other panels, too, so even after this one was closed

    def _change_failed(self, sentence: str) -> None:
        if not self._store.is_closed:
            state = self._store.state
            self._store.become(replace(state, is_switching=False, models_problem=sentence))
            self.refresh()

    def _listed(self, listing: ModelListing) -> None:
        self._is_listing = False
        if self._store.is_closed:
            return
        names = [row.name for row in listing.rows]
        state = self._store.state
        # A candidate written just now may be missing from this list and be in the next one.
        keeps = state.selected in names or state.selected == state.progress.candidate != ""
        self._store.become(
            replace(
                state,
                models=listing,
                selected=state.selected if keeps else listing.active,
                chosen_parent=state.chosen_parent if state.chosen_parent in names else None,
            )
        )
        if self._is_outdated:
            self.refresh()
        else:
            self._on_listed()

    def _list_failed(self, sentence: str) -> None:
        self._is_listing = False
        if not self._store.is_closed:
            self._store.become(replace(self._store.state, models_problem=sentence))
