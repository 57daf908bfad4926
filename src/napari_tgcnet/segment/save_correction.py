"""Corrections saved from the panel: which slices were reviewed, notes, which ledger. No Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.file_jobs import FileJobs
from napari_tgcnet.segment.identity_check import check_identity
from napari_tgcnet.segment.image_choice import ImageChoice
from napari_tgcnet.segment.ports import Files, Layers
from napari_tgcnet.segment.state import Phase, SegmentState
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.slice_ranges import format_slices, parse_slices
from napari_tgcnet.shared.store import Store
from tgcnet.corrections import SavedCorrection
from tgcnet.errors import InputError, TgcnetError


class CorrectionSaver:
    """Edits the draft of a correction, and saves corrections in the ledger."""

    def __init__(
        self,
        *,
        store: Store[SegmentState],
        images: ImageChoice,
        layers: Layers,
        file_jobs: FileJobs,
        files: Files,
        session: Session,
    ) -> None:
        self._store, self._images, self._layers = store, images, layers
        self._file_jobs, self._files, self._session = file_jobs, files, session
        session.ledger_chosen.connect(self.show_ledger)

    def show_ledger(self) -> None:
        """Show the folder of corrections, which any panel may have chosen."""
        if not self._store.is_closed:
            ledger = self._session.ledger
            self._store.become(
                replace(self._store.state, ledger=ledger.name, ledger_path=str(ledger))
            )

    def choose_ledger(self, folder: str) -> None:
        """Save corrections in another folder from now on, if it can hold them."""
        path = Path(folder)
        self._file_jobs.work(
            Phase.READING_FILE,
            lambda: self._files.check_ledger(path),
            lambda _: self._session.choose_ledger(path),
        )

    def edit_reviewed(self, text: str) -> None:
        self._images.replace_draft(replace(self._store.state.draft, reviewed=text))

    def edit_patient(self, text: str) -> None:
        self._images.replace_draft(replace(self._store.state.draft, patient=text))

    def edit_notes(self, text: str) -> None:
        self._images.replace_draft(replace(self._store.state.draft, notes=text))

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
        """Start saving the chosen image's mask as a correction; returns at once."""
        state = self._store.state
        image = state.image
        if image is None or state.is_busy:
            return
        self._file_jobs.clear_notices()
        try:
            check_identity(state)
            reviewed = self._reviewed() if image.num_slices > 1 else (0,)
            snapshot = self._layers.snapshot_correction(image.id)
        except TgcnetError as error:
            self._store.become(replace(self._store.state, problem=str(error)))
            return
        draft, ledger = state.draft, self._session.ledger
        self._file_jobs.work(
            Phase.SAVING_CORRECTION,
            lambda: self._files.save_correction(snapshot, draft, reviewed, ledger),
            lambda saved: self._saved(saved, reviewed, ledger),
        )

    def _saved(self, saved: SavedCorrection, reviewed: tuple[int, ...], ledger: Path) -> None:
        notices = [messages.correction_saved(saved.case_id, saved.revision)]
        if saved.is_new_ledger:
            notices.append(messages.new_ledger(ledger.name))
        if saved.revision > 1 and self._store.state.draft.patient:
            notices.append(messages.PATIENT_STAYS)
        if saved.was_in_bin:
            notices.append(messages.BACK_FROM_BIN)
        if saved.carried_over:
            notices.append(messages.carried_over(format_slices(saved.carried_over)))
        if not reviewed and not saved.carried_over:
            notices.append(messages.NONE_REVIEWED)
        elif saved.changed_not_reviewed:
            notices.append(messages.changed_not_reviewed(format_slices(saved.changed_not_reviewed)))
        self._file_jobs.show_notices(*notices)
        self._session.corrections_changed.emit()

    def _mark(self, slices: set[int]) -> None:
        try:
            marked = {*self._reviewed(), *slices}
        except InputError as error:
            self._store.become(replace(self._store.state, problem=str(error)))
            return
        self._images.replace_draft(replace(self._store.state.draft, reviewed=format_slices(marked)))

    def _reviewed(self) -> tuple[int, ...]:
        state = self._store.state
        num_slices = state.image.num_slices if state.image else 0
        return parse_slices(state.draft.reviewed, num_slices)
