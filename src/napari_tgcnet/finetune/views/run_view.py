"""Buttons to start, stop and resume a run, its progress, curves and log."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import RunActions
from napari_tgcnet.finetune.progress import LOG_LINES, Stage
from napari_tgcnet.finetune.state import FinetuneState, Phase
from napari_tgcnet.finetune.views.curves import Curves
from napari_tgcnet.shared.messages import time_left
from napari_tgcnet.shared.views.parts import BODY_MARGINS, Section, note_label

_STEPS = 1000
_LOG_ROWS = 8


class RunView(QWidget):
    """Shows a run; reports when it is to be started, stopped, killed or resumed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.start_button = QPushButton(messages.START)
        self.stop_button = _button(messages.STOP, messages.STOP_TIP)
        self.kill_button = _button(messages.KILL, messages.KILL_TIP)
        self.resume_button = _button(messages.RESUME, messages.RESUME_TIP)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.status, self.problem = note_label(), note_label()
        self.curves = Curves()
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(LOG_LINES)
        self.log.setFixedHeight(self.log.fontMetrics().lineSpacing() * _LOG_ROWS)
        self.curves_section = Section(messages.CURVES, self.curves)
        self.log_section = Section(messages.LOG, self.log)
        buttons = QHBoxLayout()
        for button in (self.start_button, self.stop_button, self.kill_button, self.resume_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*BODY_MARGINS)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        for widget in (self.status, self.problem, self.curves_section, self.log_section):
            layout.addWidget(widget)
        self._lines: tuple[str, ...] = ()

    def connect_to(self, actions: RunActions) -> None:
        """Report every action to this part of the controller."""
        self.start_button.clicked.connect(actions.start)
        self.stop_button.clicked.connect(actions.stop)
        self.kill_button.clicked.connect(actions.kill)
        self.resume_button.clicked.connect(actions.resume)

    def show_state(self, state: FinetuneState) -> None:
        self.start_button.setEnabled(state.can_start)
        self.start_button.setVisible(not state.is_busy)
        self.stop_button.setEnabled(state.can_stop)
        self.stop_button.setVisible(state.is_busy)
        self.kill_button.setVisible(state.phase is Phase.STOPPING)
        self.kill_button.setEnabled(state.can_kill)
        self.resume_button.setVisible(state.can_resume)
        self.status.setText(status_of(state))
        self.problem.setText(state.problem)
        self.problem.setVisible(bool(state.problem))
        self._show_progress(state)
        self.curves.show_progress(state.progress)
        self.curves_section.setVisible(bool(state.progress.losses or state.progress.scores))
        self._show_log(state.progress.log)

    def _show_progress(self, state: FinetuneState) -> None:
        fraction = state.progress.fraction
        # Without a range the bar shows that work of unknown length is under way.
        is_unknown = state.is_busy and (fraction is None or state.phase is Phase.STARTING)
        self.progress.setVisible(state.is_busy)
        self.progress.setRange(0, 0 if is_unknown else _STEPS)
        if not is_unknown:
            self.progress.setValue(round((fraction or 0.0) * _STEPS))

    def _show_log(self, lines: tuple[str, ...]) -> None:
        self.log_section.setVisible(bool(lines))
        if lines == self._lines:
            return
        bar = self.log.verticalScrollBar()
        is_at_end = bar.value() == bar.maximum()
        position = bar.value()
        self.log.setPlainText("\n".join(lines))
        # Keeps the position of a user who has scrolled up.
        bar.setValue(bar.maximum() if is_at_end else position)
        self._lines = lines


def status_of(state: FinetuneState) -> str:
    """A sentence on what the run is doing, and the time left."""
    progress = state.progress
    if state.phase is Phase.IDLE:
        return messages.IDLE
    if state.phase is Phase.ENDED:
        return state.ending
    if state.phase is Phase.STARTING:
        return messages.STARTING
    if state.phase is Phase.STOPPING:
        return messages.STOPPING
    if progress.end is not None:
        # A resumed run: its events still end with its last end, until it writes a new one.
        return messages.LOADING
    sentence = {
        Stage.STARTING: messages.LOADING,
        Stage.PREPARING: f"{messages.PREPARING}…",
        Stage.TRAINING: messages.training(progress.step, progress.total_steps),
        Stage.COMPARING: f"{messages.COMPARING}…",
    }[progress.stage]
    if progress.seconds_left is None:
        return sentence
    remaining = time_left(progress.seconds_left)
    return f"{sentence} {remaining[:1].upper()}{remaining[1:]}."


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
