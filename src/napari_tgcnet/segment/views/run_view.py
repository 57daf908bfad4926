"""Which slices to segment, Run, its progress, Cancel."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.actions import RunActions
from napari_tgcnet.segment.state import Phase, Scope, SegmentState
from napari_tgcnet.shared import messages as shared_messages
from napari_tgcnet.shared.views.parts import note_label

_STEPS = 1000
_PHASES = {
    Phase.READING_FILE: messages.READING_FILE,
    Phase.SAVING_CORRECTION: messages.SAVING_CORRECTION,
    Phase.SAVING_FILE: messages.SAVING_FILE,
    Phase.READING_REPORT: messages.READING_REPORT,
    Phase.ASKING: messages.WAITING_FOR_ANSWER,
    Phase.RUNNING: messages.RUNNING,
    Phase.CANCELLING: messages.CANCELLING,
}


class RunView(QGroupBox):
    """Shows scope and progress; reports what to segment, and when to start and cancel."""

    scope_chosen = Signal(str)
    range_chosen = Signal(int, int)
    run_requested = Signal()
    retry_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(messages.RUN, parent)
        self.scopes = {
            Scope.ALL: QRadioButton(messages.SCOPE_ALL),
            Scope.CURRENT: QRadioButton(messages.SCOPE_CURRENT),
            Scope.RANGE: QRadioButton(messages.SCOPE_RANGE),
        }
        self._group = QButtonGroup(self)
        self.first, self.last = QSpinBox(), QSpinBox()
        self.range_to = QLabel(messages.RANGE_TO)
        self.slices_row = self._build_slices_row()
        self.run_button = QPushButton(messages.RUN)
        self.cancel_button = QPushButton(messages.CANCEL)
        self.retry_button = QPushButton(messages.RETRY)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.status = note_label()
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        buttons.addWidget(self.retry_button, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.slices_row)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        self._connect()

    def connect_to(self, actions: RunActions) -> None:
        self.scope_chosen.connect(actions.choose_scope)
        self.range_chosen.connect(actions.set_range)
        self.run_requested.connect(actions.start)
        self.retry_requested.connect(actions.retry_engine)
        self.cancel_requested.connect(actions.cancel)

    def show_state(self, state: SegmentState) -> None:
        num_slices = state.image.num_slices if state.image else 1
        self.slices_row.setVisible(num_slices > 1)
        self.slices_row.setEnabled(not state.is_busy)
        blocker = QSignalBlocker(self._group)
        self.scopes[state.scope].setChecked(True)
        blocker.unblock()
        for box, value in ((self.first, state.range_first), (self.last, state.range_last)):
            box_blocker = QSignalBlocker(box)
            box.setRange(0, num_slices - 1)
            if box.value() != value:  # setting it again would erase what is being typed
                box.setValue(value)
            box_blocker.unblock()
            box.setVisible(state.scope is Scope.RANGE)
        self.range_to.setVisible(state.scope is Scope.RANGE)
        self.run_button.setEnabled(state.can_run)
        self.cancel_button.setEnabled(state.can_cancel)
        self.retry_button.setVisible(bool(state.engine_problem))
        self._show_progress(state)

    def _show_progress(self, state: SegmentState) -> None:
        # A bar without a range is animated: the length of the work is unknown.
        is_unknown = state.is_busy and state.phase is not Phase.ASKING and state.fraction == 0
        self.progress.setRange(0, 0 if is_unknown else _STEPS)
        self.progress.setValue(round(state.fraction * _STEPS))
        if state.is_busy:
            words = [_PHASES[state.phase]]
            if state.seconds_left is not None and state.phase is Phase.RUNNING:
                words.append(shared_messages.time_left(state.seconds_left))
            self.status.setText(" ".join(words))
        elif state.engine_problem:
            self.status.setText(state.engine_problem)
        elif not state.engine_ready:
            self.status.setText(messages.ENGINE_STARTING)
        elif not state.models:
            self.status.setText(messages.NO_MODEL)
        else:
            self.status.setText(messages.READY if state.can_run else messages.NO_IMAGE)

    def _build_slices_row(self) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        for button in self.scopes.values():
            self._group.addButton(button)
            layout.addWidget(button)
        layout.addStretch()
        for widget in (self.first, self.range_to, self.last):
            layout.addWidget(widget)
        return row

    def _connect(self) -> None:
        self._group.buttonClicked.connect(self._emit_scope)
        for box in (self.first, self.last):
            # Else typing "35" reports 3 first, which is clamped to the range and written back.
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._emit_range)
        self.run_button.clicked.connect(self.run_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.retry_button.clicked.connect(self.retry_requested)

    def _emit_scope(self, clicked: QAbstractButton) -> None:
        for scope, button in self.scopes.items():
            if button is clicked:
                self.scope_chosen.emit(scope.value)

    def _emit_range(self) -> None:
        self.range_chosen.emit(self.first.value(), self.last.value())
