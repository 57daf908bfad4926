"""The result of a run, its notices, and what went wrong."""

from __future__ import annotations

import re
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.actions import ResultActions
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.views.parts import note_label
from tgcnet.io.formats import MASKS, format_of


class ResultView(QGroupBox):
    """Shows the result, notices and problems; reports where to jump and what to save."""

    jump_requested = Signal()
    save_chosen = Signal(str, bool)  # path, whether to deidentify

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.RESULT, parent)
        self.problem, self.result, self.notices = note_label(), note_label(), note_label()
        self._problem_row = _marked(self.problem, QStyle.StandardPixmap.SP_MessageBoxWarning)
        self._notices_row = _marked(self.notices, QStyle.StandardPixmap.SP_MessageBoxInformation)
        self.jump_button = QPushButton(messages.JUMP)
        self.jump_button.setToolTip(messages.JUMP_TIP)
        self.save_button = QPushButton(messages.SAVE)
        self.save_button.setToolTip(messages.SAVE_TIP)
        buttons = QHBoxLayout()
        buttons.addWidget(self.jump_button)
        buttons.addStretch()
        buttons.addWidget(self.save_button)
        layout = QVBoxLayout(self)
        for row in (self._problem_row, self.result, self._notices_row):
            layout.addWidget(row)
        layout.addLayout(buttons)
        self.jump_button.clicked.connect(self.jump_requested)
        self.save_button.clicked.connect(self._ask_for_file)

    def connect_to(self, actions: ResultActions) -> None:
        self.jump_requested.connect(actions.jump_to_largest)
        self.save_chosen.connect(actions.save_mask)

    def show_state(self, state: SegmentState) -> None:
        self.problem.setText(state.problem)
        self._problem_row.setVisible(bool(state.problem))
        self.result.setText("\n".join(state.result.lines) if state.result else "")
        self.result.setVisible(state.result is not None)
        self.notices.setText("\n".join(state.notices))
        self._notices_row.setVisible(bool(state.notices))
        can_jump = state.result is not None and state.result.largest_slice is not None
        is_stack = state.image is not None and state.image.num_slices > 1
        self.jump_button.setVisible(can_jump and is_stack)
        self.save_button.setEnabled(state.can_save and not state.is_busy)

    def _ask_for_file(self) -> None:
        chosen, kind = QFileDialog.getSaveFileName(self, messages.SAVE, "", messages.MASK_FILES)
        if not chosen:
            return
        path = with_ending(chosen, kind)
        # The dialog asked about the name as typed, without the ending that was added since.
        if path == chosen or not Path(path).exists() or self._may_overwrite(path):
            self.save_chosen.emit(path, kind == messages.DICOM_DEIDENTIFIED)

    def _may_overwrite(self, path: str) -> bool:
        question = messages.overwrite(Path(path).name)
        answer = QMessageBox.question(self, messages.SAVE, question)
        return bool(answer == QMessageBox.StandardButton.Yes)


def with_ending(path: str, kind: str) -> str:
    """A path; if it ends like no mask file, with the first ending of the dialog's filter."""
    if format_of(path, MASKS):
        return path
    return path + next(iter(re.findall(r"\*(\.[a-z.]+)", kind)), "")


def _marked(label: QLabel, mark: QStyle.StandardPixmap) -> QWidget:
    """A label with a small icon, so that a problem is not marked by colour alone."""
    row = QWidget()
    icon = QLabel()
    side = row.fontMetrics().lineSpacing()
    icon.setPixmap(row.style().standardIcon(mark).pixmap(side, side))
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
    layout.addWidget(label, 1)
    return row
