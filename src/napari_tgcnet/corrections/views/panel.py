"""The panel of corrections: the ledger, its cases, buttons, and what went wrong."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_tgcnet.corrections import messages
from napari_tgcnet.corrections.ports import CorrectionsActions
from napari_tgcnet.corrections.state import CorrectionsState
from napari_tgcnet.corrections.views.case_table import CaseTable
from napari_tgcnet.shared.views.parts import note_label, research_use_label

_MAX_LINES = 6


class CorrectionsPanelView(QWidget):
    """Shows a CorrectionsState and reports actions. Decides nothing.

    Attributes
    ----------
    ledger_chosen : emitted with a folder chosen in the dialog
    """

    ledger_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = ""
        self.folder = QElidingLabel()
        self.choose_button = _button(messages.CHOOSE, messages.CHOOSE_TIP)
        self.table = CaseTable()
        self.placeholder = note_label()
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.summary = QLabel()
        self.bin_box = QCheckBox(messages.SHOW_BIN)
        self.bin_box.setToolTip(messages.SHOW_BIN_TIP)
        self.open_button = _button(messages.OPEN, messages.OPEN_TIP)
        self.delete_button = _button(messages.DELETE, messages.DELETE_TIP)
        self.restore_button = _button(messages.RESTORE, messages.RESTORE_TIP)
        self.problem, self.notice, self.broken_title = note_label(), note_label(), note_label()
        self.broken = QPlainTextEdit()
        self.broken.setReadOnly(True)
        self.broken.setTabChangesFocus(True)
        self.broken.setAccessibleName(messages.BROKEN)
        self._lay_out()
        self.choose_button.clicked.connect(self._ask_for_folder)
        self.open_button.clicked.connect(self.table.request_open)

    def connect_to(self, actions: CorrectionsActions) -> None:
        """Report every action to the controller."""
        self.ledger_chosen.connect(actions.choose_ledger)
        self.bin_box.clicked.connect(actions.show_bin)
        self.table.selection_changed.connect(actions.select)
        self.table.open_requested.connect(actions.open_case)
        self.table.delete_requested.connect(actions.delete)
        self.delete_button.clicked.connect(actions.delete)
        self.restore_button.clicked.connect(actions.restore)

    def show_state(self, state: CorrectionsState) -> None:
        self._folder = str(state.folder)
        self.folder.setText(state.folder.name)
        self.folder.setToolTip(self._folder)
        self.choose_button.setEnabled(not state.is_busy)
        self.table.show_cases(state.cases, state.selected)
        self.table.setVisible(bool(state.cases))
        self.placeholder.setText(messages.placeholder(state))
        self.placeholder.setVisible(not state.cases)
        self.summary.setText(messages.summary(state))
        self.bin_box.setChecked(state.shows_bin)
        self.open_button.setVisible(not state.shows_bin)
        self.open_button.setEnabled(state.can_open)
        self.delete_button.setVisible(not state.shows_bin)
        self.delete_button.setEnabled(state.can_delete)
        self.restore_button.setVisible(state.shows_bin)
        self.restore_button.setEnabled(state.can_restore)
        _show_note(self.problem, state.problem)
        _show_note(self.notice, messages.ACTIVITIES[state.activity] or state.notice)
        self._show_broken(state.broken)

    def show_thumbnail(self, case_id: str, revision: int, pixels: np.ndarray) -> None:
        self.table.show_picture(case_id, revision, pixels)

    def _show_broken(self, sentences: tuple[str, ...]) -> None:
        text = messages.broken_list(sentences)
        if text != self.broken.toPlainText():  # else the scroll bar would jump back
            self.broken.setPlainText(text)
        _show_note(self.broken_title, messages.broken(len(sentences)) if sentences else "")
        self.broken.setVisible(bool(sentences))

    def _lay_out(self) -> None:
        ledger = QHBoxLayout()
        ledger.addWidget(QLabel(messages.LEDGER))
        ledger.addWidget(self.folder, 1)
        ledger.addWidget(self.choose_button)
        above = QHBoxLayout()
        above.addWidget(self.summary, 1)
        above.addWidget(self.bin_box)
        buttons = QHBoxLayout()
        for button in (self.open_button, self.delete_button, self.restore_button):
            buttons.addWidget(button)
        self.placeholder.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        line_px = self.broken.fontMetrics().lineSpacing()
        self.broken.setMaximumHeight(_MAX_LINES * line_px)
        layout = QVBoxLayout(self)
        layout.addLayout(ledger)
        layout.addLayout(above)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.placeholder, 1)
        layout.addLayout(buttons)
        for widget in (
            self.problem,
            self.notice,
            self.broken_title,
            self.broken,
            research_use_label(),
        ):
            layout.addWidget(widget)

    def _ask_for_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, messages.CHOOSE_TITLE, self._folder)
        if folder:
            self.ledger_chosen.emit(folder)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button


def _show_note(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
