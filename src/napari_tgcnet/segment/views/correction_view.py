"""The correction: which slices were reviewed, patient, notes, and where it is saved."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.actions import CorrectionActions
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.views.parts import note_label


class CorrectionView(QGroupBox):
    """Shows the draft of a correction; reports edits, and when to save it."""

    reviewed_edited = Signal(str)
    current_marked = Signal()
    all_marked = Signal()
    patient_edited = Signal(str)
    notes_edited = Signal(str)
    ledger_chosen = Signal(str)
    correction_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.CORRECTION, parent)
        self.reviewed = QLineEdit()
        self.reviewed.setPlaceholderText(messages.REVIEWED_HINT)
        self.reviewed.setToolTip(messages.REVIEWED_TIP)
        self.current_button = QPushButton(messages.THIS_SLICE)
        self.all_button = QPushButton(messages.ALL_SLICES)
        self.patient = QLineEdit()
        self.patient.setPlaceholderText(messages.PATIENT_HINT)
        self.patient.setToolTip(messages.PATIENT_TIP)
        self.notes = QLineEdit()
        self.notes.setPlaceholderText(messages.NOTES_HINT)
        self.ledger = note_label()
        self.ledger_button = QPushButton(messages.CHOOSE_LEDGER)
        self.ledger_button.setToolTip(messages.CHOOSE_LEDGER_TIP)
        self.save_button = QPushButton(messages.SAVE_CORRECTION)
        self.save_button.setToolTip(messages.SAVE_CORRECTION_TIP)
        self.reviewed_row = _row(
            QLabel(messages.REVIEWED), self.reviewed, self.current_button, self.all_button
        )
        layout = QVBoxLayout(self)
        layout.addWidget(self.reviewed_row)
        layout.addWidget(_row(QLabel(messages.PATIENT), self.patient))
        layout.addWidget(_row(QLabel(messages.NOTES), self.notes))
        layout.addWidget(_row(self.ledger, self.ledger_button))
        layout.addWidget(self.save_button)
        self._connect()

    def connect_to(self, actions: CorrectionActions) -> None:
        self.reviewed_edited.connect(actions.edit_reviewed)
        self.current_marked.connect(actions.mark_current)
        self.all_marked.connect(actions.mark_all)
        self.patient_edited.connect(actions.edit_patient)
        self.notes_edited.connect(actions.edit_notes)
        self.ledger_chosen.connect(actions.choose_ledger)
        self.correction_wanted.connect(actions.save)

    def show_state(self, state: SegmentState) -> None:
        is_stack = state.image is not None and state.image.num_slices > 1
        self.reviewed_row.setVisible(is_stack)
        drafted = (
            (self.reviewed, state.draft.reviewed),
            (self.patient, state.draft.patient),
            (self.notes, state.draft.notes),
        )
        for line, text in drafted:
            if line.text() != text:  # else the cursor would jump while typing
                line.setText(text)
            line.setReadOnly(state.is_busy)
        self.ledger.setText(messages.kept_in(state.ledger))
        self.ledger.setToolTip(state.ledger_path)
        self.save_button.setEnabled(state.can_save and not state.is_busy)
        for button in (self.current_button, self.all_button, self.ledger_button):
            button.setEnabled(not state.is_busy)

    def _connect(self) -> None:
        # textEdited, not textChanged: only what a person types is reported.
        self.reviewed.textEdited.connect(self.reviewed_edited)
        self.patient.textEdited.connect(self.patient_edited)
        self.notes.textEdited.connect(self.notes_edited)
        self.current_button.clicked.connect(self.current_marked)
        self.all_button.clicked.connect(self.all_marked)
        self.ledger_button.clicked.connect(self._ask_for_folder)
        self.save_button.clicked.connect(self.correction_wanted)

    def _ask_for_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, messages.CHOOSE_LEDGER_TIP)
        if folder:
            self.ledger_chosen.emit(folder)


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        # Captions and buttons keep their width; the rest is for the text.
        is_note = isinstance(widget, QLabel) and widget.wordWrap()
        layout.addWidget(widget, int(is_note or isinstance(widget, QLineEdit)))
    return row
