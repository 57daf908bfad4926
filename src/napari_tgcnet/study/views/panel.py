"""The panel of studies: the chosen file or folder, its series, and buttons to open one."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_tgcnet.shared.views.parts import note_label, research_use_label
from napari_tgcnet.study import messages
from napari_tgcnet.study.ports import StudyActions
from napari_tgcnet.study.state import StudyState
from napari_tgcnet.study.views.series_table import SeriesTable

_MAX_LINES = 8
_STEPS = 1000


class StudyPanelView(QWidget):
    """Shows a StudyState and reports actions. Decides nothing.

    Attributes
    ----------
    path_chosen : emitted with the path of a file or folder chosen in a dialog or dropped
    """

    path_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.source = QElidingLabel()
        self.file_button = _button(messages.FILE, messages.FILE_TIP)
        self.folder_button = _button(messages.FOLDER, messages.FOLDER_TIP)
        self.summary = note_label()
        self.table = SeriesTable()
        self.placeholder = note_label()
        self.placeholder.setText(messages.DROP_HERE)
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.about = note_label()
        self.open_button = _button(messages.OPEN, messages.OPEN_TIP)
        self.cancel_button = QPushButton(messages.CANCEL)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.status, self.problem, self.notices = note_label(), note_label(), note_label()
        self.skipped_button = QPushButton()
        self.skipped_button.setCheckable(True)
        self.skipped_button.setFlat(True)
        self.skipped = QPlainTextEdit()
        self.skipped.setReadOnly(True)
        self.skipped.setTabChangesFocus(True)
        self.skipped.setAccessibleName(messages.SKIPPED)
        self._lay_out()
        self.file_button.clicked.connect(self._ask_for_file)
        self.folder_button.clicked.connect(self._ask_for_folder)
        self.open_button.clicked.connect(self.table.request_open)

    def connect_to(self, actions: StudyActions) -> None:
        """Report every action to the controller."""
        self.path_chosen.connect(actions.list_path)
        self.table.selected.connect(actions.select)
        self.table.open_requested.connect(actions.open_series)
        self.cancel_button.clicked.connect(actions.cancel)
        self.skipped_button.clicked.connect(actions.show_skipped)

    def show_state(self, state: StudyState) -> None:
        self.source.setText(state.source)
        for button in (self.file_button, self.folder_button):
            button.setEnabled(not state.is_busy)
        _show_note(self.summary, messages.summary(state))
        self.table.show_rows(state.rows, state.selected)
        self.table.setVisible(bool(state.rows))
        self.placeholder.setVisible(not state.rows)
        _show_note(self.about, messages.about(state.row))
        self.open_button.setEnabled(state.can_open)
        self.cancel_button.setEnabled(state.can_cancel)
        self._show_progress(state)
        _show_note(self.problem, state.problem)
        _show_note(self.notices, "\n".join(state.notices))
        self._show_skipped(state)

    def _show_progress(self, state: StudyState) -> None:
        if state.is_busy:
            done, total = round(state.fraction * _STEPS), _STEPS if state.fraction else 0
            text = messages.ACTIVITIES[state.activity]
        else:
            done, total = state.num_loaded, state.num_to_load
            text = messages.loading_progress(done, total) if state.is_loading else ""
        # Without a range the bar shows that work of unknown length is under way.
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setVisible(state.can_cancel)
        _show_note(self.status, text)

    def _show_skipped(self, state: StudyState) -> None:
        is_open = state.shows_skipped and bool(state.skipped)
        title = messages.skipped_title(len(state.skipped), is_open=is_open)
        self.skipped_button.setText(title)
        self.skipped_button.setChecked(is_open)
        self.skipped_button.setVisible(bool(state.skipped))
        text = messages.skipped_list(state.skipped) if is_open else ""
        if text != self.skipped.toPlainText():  # else the scroll bar would jump back
            self.skipped.setPlainText(text)
        self.skipped.setVisible(is_open)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Accept one local file or folder."""
        if len(event.mimeData().urls()) == 1 and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """List what was dropped; accepted here, so napari's window does not open it too."""
        event.acceptProposedAction()
        self.path_chosen.emit(event.mimeData().urls()[0].toLocalFile())

    def _lay_out(self) -> None:
        source = QHBoxLayout()
        source.addWidget(self.source, 1)
        source.addWidget(self.file_button)
        source.addWidget(self.folder_button)
        buttons = QHBoxLayout()
        buttons.addWidget(self.open_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        self.placeholder.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        line_px = self.skipped.fontMetrics().lineSpacing()
        self.skipped.setMaximumHeight(_MAX_LINES * line_px)
        layout = QVBoxLayout(self)
        layout.addLayout(source)
        layout.addWidget(self.summary)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.placeholder, 1)
        layout.addWidget(self.about)
        layout.addLayout(buttons)
        for widget in (
            self.progress,
            self.status,
            self.problem,
            self.notices,
            self.skipped_button,
            self.skipped,
            research_use_label(),
        ):
            layout.addWidget(widget)

    def _ask_for_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, messages.FILE_TIP, "", messages.FILES)
        if path:
            self.path_chosen.emit(path)

    def _ask_for_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, messages.FOLDER_TIP, "")
        if folder:
            self.path_chosen.emit(folder)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button


def _show_note(label: QLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))
