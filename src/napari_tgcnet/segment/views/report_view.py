"""The report: typed, pasted, opened from a file, or the sample's own."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.actions import ReportActions
from napari_tgcnet.segment.identity_check import describe, differs
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.views.parts import note_label

_NUM_LINES = 5


class ReportView(QGroupBox):
    """Shows the report as plain text; reports edits, files, and the user's confirmation."""

    report_edited = Signal(str)
    report_file_chosen = Signal(str)
    sample_report_wanted = Signal()
    report_confirmed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.REPORT, parent)
        self.text = QPlainTextEdit()
        self.text.setPlaceholderText(messages.REPORT_HINT)
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(self.text.fontMetrics().lineSpacing() * _NUM_LINES)
        self.open_button = QPushButton(messages.OPEN_REPORT)
        self.open_button.setToolTip(messages.OPEN_REPORT_TIP)
        self.sample_button = QPushButton(messages.USE_SAMPLE_REPORT)
        self.identity = note_label()
        self.confirm_button = QPushButton(messages.USE_ANYWAY)
        row = QHBoxLayout()
        row.addWidget(self.sample_button)
        row.addStretch()
        row.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(self.identity)
        layout.addWidget(self.confirm_button)
        layout.addLayout(row)
        self.text.textChanged.connect(self._emit_edited)
        self.open_button.clicked.connect(self._ask_for_file)
        self.sample_button.clicked.connect(self.sample_report_wanted)
        self.confirm_button.clicked.connect(self.report_confirmed)

    def connect_to(self, actions: ReportActions) -> None:
        self.report_edited.connect(actions.edit)
        self.report_file_chosen.connect(actions.open)
        self.sample_report_wanted.connect(actions.use_sample)
        self.report_confirmed.connect(actions.confirm)

    def show_state(self, state: SegmentState) -> None:
        if self.text.toPlainText() != state.report:  # else the cursor would jump while typing
            blocker = QSignalBlocker(self.text)
            self.text.setPlainText(state.report)
            blocker.unblock()
        self.text.setReadOnly(state.is_busy)
        self.open_button.setEnabled(not state.is_busy)
        comparison = describe(state)
        self.identity.setText(comparison)
        self.identity.setVisible(bool(comparison))
        self.confirm_button.setVisible(differs(state) and not state.draft.is_confirmed)
        self.confirm_button.setEnabled(not state.is_busy)
        sample = state.image.sample_report if state.image else None
        self.sample_button.setVisible(bool(sample) and sample != state.report)
        self.sample_button.setEnabled(not state.is_busy)

    def _emit_edited(self) -> None:
        self.report_edited.emit(self.text.toPlainText())

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, messages.OPEN_REPORT, "", messages.REPORT_FILES)
        if path:
            self.report_file_chosen.emit(path)
