"""A question inside the panel; a dialog would block the window."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_tgcnet.segment.actions import QuestionActions
from napari_tgcnet.segment.state import Option, SegmentState
from napari_tgcnet.shared.views.parts import note_label


class QuestionBar(QFrame):
    """Shows a question with a button for each answer; hidden while there is none."""

    answered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.text = note_label()
        self.buttons: dict[str, QPushButton] = {}
        self._options: tuple[Option, ...] = ()
        self._row = QHBoxLayout()
        self._row.addStretch()
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addLayout(self._row)
        self.hide()

    def connect_to(self, actions: QuestionActions) -> None:
        self.answered.connect(actions.answer)

    def show_state(self, state: SegmentState) -> None:
        question = state.question
        self.setVisible(question is not None)
        if question is not None:
            self.text.setText(question.text)
            self._show_options(question.options)

    def _show_options(self, options: tuple[Option, ...]) -> None:
        if options == self._options:
            return
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.deleteLater()
        self._options, self.buttons = options, {}
        for option in options:
            button = QPushButton(option.label)
            button.setProperty("answer", option.value)
            button.clicked.connect(self._emit_answer)
            self._row.addWidget(button)
            self.buttons[option.value] = button

    def _emit_answer(self) -> None:
        self.answered.emit(str(self.sender().property("answer")))
