"""Corrections saved from the panel: which slices were reviewed, notes, which ledger. No Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.file_jobs import Filing
from napari_tgcnet.segment.identity_check import check as check_whose
from napari_tgcnet.segment.image_choice import ImageChoice
from napari_tgcnet.segment.ports import Files, KeptCorrection, Layers
from napari_tgcnet.segment.slice_ranges import parse_slices, write_slices
from napari_tgcnet.segment.state import PanelState, Phase
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store
from tgcnet.errors import InputError, TgcnetError


class Correcting:
    """Keeps the drafts of notes and reviewed slices, and hands corrections to the ledger."""

    def __init__(
        self,
        *,
        store: Store[PanelState],
        images: ImageChoice,
        layers: Layers,
        filing: Filing,
        files: Files,
        session: Session,
    ) -> None:
        self._store, self._images, self._layers = store, images, layers
        self._filing, self._files, self._session = filing, files, session
        session.ledger_chosen.connect(self.show_ledger)

    def show_ledger(self) -> None:
        """Show which folder corrections go to, whoever chose it."""
        if not self._store.is_closed:
            ledger = self._session.ledger
            self._store.become(
                replace(self._store.state, ledger=ledger.name, ledger_path=str(ledger))
            )

    def choose_ledger(self, folder: str) -> None:
        """Have corrections kept in another folder, if it can hold them."""
        path = Path(folder)
        self._filing.work(
            Phase.READING_FILE,
            lambda: self._files.check_ledger(path),
            lambda _: self._session.choose_ledger(path),
        )

    def edit_reviewed(self, text: str) -> None:
        self._images.write(replace(self._store.state.draft, reviewed=text))

    def edit_patient(self, text: str) -> None:
        self._images.write(replace(self._store.state.draft, patient=text))

    def edit_notes(self, text: str) -> None:
        self._images.write(replace(self._store.state.draft, notes=text))

    def mark_current(self) -> None:
        """Mark the slice on the canvas as reviewed."""
        image_id = self._store.state.image_id
        if image_id is not None:
            self._mark({self._layers.current_slice(image_id)})

    def mark_all(self) -> None:
        """Mark every slice as reviewed."""
        image = self._store.state.image
        if image is not None:
            self._mark(set(range(image.num_slices)))

    def save(self) -> None:
        """Save the chosen image's mask as a correction; returns before that is done."""
        state = self._store.state
        image = state.image
        if image is None or state.is_busy:
            return
        self._filing.forget()
        try:
            check_whose(state)
            reviewed = self._reviewed() if image.num_slices > 1 else (0,)
            taken = self._layers.take_correction(image.id)
        except TgcnetError as error:
            self._store.become(replace(self._store.state, problem=str(error)))
            return
        draft, ledger = state.draft, self._session.ledger
        self._filing.work(
            Phase.SAVING_CORRECTION,
            lambda: self._files.save_correction(taken, draft, reviewed, ledger),
            lambda kept: self._saved(kept, reviewed, ledger),
        )

    def _saved(self, kept: KeptCorrection, reviewed: tuple[int, ...], ledger: Path) -> None:
        said = [messages.correction_saved(kept.case_id, kept.revision)]
        if kept.is_new_ledger:
            said.append(messages.new_ledger(ledger.name))
        if kept.revision > 1 and self._store.state.draft.patient:
            said.append(messages.PATIENT_STAYS)
        if kept.was_in_bin:
            said.append(messages.BACK_FROM_BIN)
        if kept.taken_over:
            said.append(messages.taken_over(write_slices(kept.taken_over)))
        if not reviewed and not kept.taken_over:
            said.append(messages.NONE_REVIEWED)
        elif kept.changed_not_reviewed:
            said.append(messages.changed_not_reviewed(write_slices(kept.changed_not_reviewed)))
        self._filing.say(*said)
        self._session.corrections_changed.emit()

    def _mark(self, slices: set[int]) -> None:
        try:
            marked = {*self._reviewed(), *slices}
        except InputError as error:
            self._store.become(replace(self._store.state, problem=str(error)))
            return
        self._images.write(replace(self._store.state.draft, reviewed=write_slices(marked)))

    def _reviewed(self) -> tuple[int, ...]:
        state = self._store.state
        num_slices = state.image.num_slices if state.image else 0
        return parse_slices(state.draft.reviewed, num_slices)
