"""The registered models, their lineage, and buttons to switch between them."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import ModelActions
from napari_tgcnet.finetune.state import FinetuneState
from napari_tgcnet.segment.messages import model_label
from napari_tgcnet.shared.views.parts import BODY_MARGINS, build_chooser, note_label, show_choices


class ModelsView(QWidget):
    """Shows models and their lineage; reports the one selected, switched to or deleted.

    Attributes
    ----------
    model_selected : emitted with the name of the model
    """

    model_selected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chooser = build_chooser()
        self.lineage, self.problem = note_label(), note_label()
        self.question = YesNoBar()
        self.switch_button = QPushButton(messages.SWITCH)
        self.switch_button.setToolTip(messages.SWITCH_TIP)
        self.delete_button = QPushButton(messages.DELETE)
        self.delete_button.setToolTip(messages.DELETE_TIP)
        self.back_button = QPushButton(messages.GO_BACK)
        buttons = QHBoxLayout()
        for button in (self.switch_button, self.delete_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*BODY_MARGINS)
        layout.addWidget(self.chooser.native)
        layout.addWidget(self.lineage)
        layout.addLayout(buttons)
        for widget in (self.back_button, self.question, self.problem):
            layout.addWidget(widget)
        self.chooser.changed.connect(self._emit_selected)

    def connect_to(self, actions: ModelActions) -> None:
        """Report every action to this part of the controller."""
        self.model_selected.connect(actions.select)
        self.switch_button.clicked.connect(actions.switch)
        self.delete_button.clicked.connect(actions.delete)
        self.back_button.clicked.connect(actions.go_back)
        self.question.answered.connect(actions.answer)

    def show_state(self, state: FinetuneState) -> None:
        rows = state.models.rows
        models = [(model_label(row.name, is_active=row.is_active), row.name) for row in rows]
        show_choices(self.chooser, models, state.selected)
        selected, is_free = state.selected_row, not state.is_switching
        self.chooser.enabled = is_free
        self.lineage.setText("\n".join(selected.lineage) if selected else "")
        can_switch = selected is not None and not selected.is_active
        self.switch_button.setEnabled(is_free and can_switch)
        self.delete_button.setEnabled(is_free and selected is not None)
        previous = state.models.previous
        self.back_button.setText(messages.go_back_to(previous) if previous else messages.GO_BACK)
        self.back_button.setEnabled(is_free and previous is not None)
        self.question.show_question(state.question)
        sentence = state.models_problem or state.models.problem
        status = messages.SWITCHING if state.is_switching else sentence
        self.problem.setText(status)
        self.problem.setVisible(bool(status))

    def _emit_selected(self, name: str | None) -> None:
        if name is not None:
            self.model_selected.emit(name)


class YesNoBar(QFrame):
    """A question inside the panel with two answers; hidden while there is none."""

    answered = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.text = note_label()
        self.yes, self.no = QPushButton(messages.YES), QPushButton(messages.NO)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.yes)
        row.addWidget(self.no)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addLayout(row)
        self.yes.clicked.connect(self._emit_yes)
        self.no.clicked.connect(self._emit_no)
        self.hide()

    def show_question(self, question: str) -> None:
        self.text.setText(question)
        self.setVisible(bool(question))

    def _emit_yes(self) -> None:
        self.answered.emit(True)

    def _emit_no(self) -> None:
        self.answered.emit(False)
