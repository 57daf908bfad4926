"""What to learn from, what to start from, and what that amounts to."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import SetupActions
from napari_tgcnet.finetune.state import Estimate, FinetuneState
from napari_tgcnet.finetune.views.options_view import OptionsView
from napari_tgcnet.segment.messages import model_label
from napari_tgcnet.shared.views.parts import (
    BODY_MARGINS,
    Section,
    build_chooser,
    note_label,
    show_choices,
)


class SetupView(QWidget):
    """Shows how the next run is set up; reports what the user chooses.

    Attributes
    ----------
    ledger_chosen, reference_chosen : emitted with a folder; the empty path clears the reference
    parent_chosen, device_chosen : emitted with the name
    """

    ledger_chosen = Signal(str)
    reference_chosen = Signal(str)
    parent_chosen = Signal(str)
    device_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ledger, self.reference = _folder_label(), _folder_label()
        self.ledger_button = _small_button(messages.CHOOSE, messages.LEDGER_TIP)
        self.reference_button = _small_button(messages.CHOOSE, messages.REFERENCE_TIP)
        self.clear_button = _small_button(messages.CLEAR, messages.CLEAR_TIP)
        self.parent_model, self.device = build_chooser(), build_chooser()
        self.options = OptionsView()
        self.reference_hint, self.estimate = note_label(), note_label()
        self.reference_hint.setText(messages.REFERENCE_HINT)
        self.advanced = Section(messages.ADVANCED, self.options, is_open=False)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(messages.LEDGER, _row(self.ledger, self.ledger_button))
        reference = _row(self.reference, self.clear_button, self.reference_button)
        form.addRow(messages.REFERENCE, reference)
        form.addRow(self.reference_hint)
        form.addRow(messages.PARENT, self.parent_model.native)
        form.addRow(messages.DEVICE, self.device.native)
        form.addRow(messages.EPOCHS, self.options.epochs)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*BODY_MARGINS)
        layout.addLayout(form)
        layout.addWidget(self.advanced)
        layout.addWidget(self.estimate)
        self.ledger_button.clicked.connect(self._ask_for_ledger)
        self.reference_button.clicked.connect(self._ask_for_reference)
        self.clear_button.clicked.connect(self._clear_reference)
        self.parent_model.changed.connect(self._emit_parent)
        self.device.changed.connect(self._emit_device)

    def connect_to(self, actions: SetupActions) -> None:
        """Report every action to this part of the controller."""
        self.ledger_chosen.connect(actions.choose_ledger)
        self.reference_chosen.connect(actions.choose_reference)
        self.parent_chosen.connect(actions.choose_parent)
        self.device_chosen.connect(actions.choose_device)
        self.options.options_set.connect(actions.set_options)

    def finish_typing(self) -> None:
        """Accept numbers still being typed: on some platforms a click on a button does not."""
        for box in self.findChildren(QAbstractSpinBox):
            box.interpretText()

    def show_state(self, state: FinetuneState) -> None:
        self._show_folder(self.ledger, state.ledger)
        self._show_folder(self.reference, state.reference)
        self.reference_hint.setVisible(state.reference is None)
        self.clear_button.setVisible(state.reference is not None)
        rows = state.models.rows
        models = [(model_label(row.name, is_active=row.is_active), row.name) for row in rows]
        show_choices(self.parent_model, models, state.parent)
        show_choices(self.device, messages.DEVICES, state.device)
        self.options.show_state(state)
        for widget in (self.ledger_button, self.reference_button, self.clear_button):
            widget.setEnabled(not state.is_busy)
        self.parent_model.enabled = self.device.enabled = not state.is_busy
        self.estimate.setText(_summary(state))

    def _show_folder(self, label: QElidingLabel, folder: Path | None) -> None:
        label.setText(folder.name if folder else messages.NO_REFERENCE)
        label.setToolTip(str(folder) if folder else "")

    def _ask_for_ledger(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, messages.LEDGER):
            self.ledger_chosen.emit(path)

    def _ask_for_reference(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, messages.REFERENCE):
            self.reference_chosen.emit(path)

    def _clear_reference(self) -> None:
        self.reference_chosen.emit("")

    def _emit_parent(self, name: str | None) -> None:
        if name is not None:
            self.parent_chosen.emit(name)

    def _emit_device(self, name: str | None) -> None:
        if name is not None:
            self.device_chosen.emit(name)


def _summary(state: FinetuneState) -> str:
    """What the run would learn from, or what it lacks, a sentence a line."""
    if state.estimate is None:
        return messages.ESTIMATING if state.is_estimating else state.models.problem
    estimate = state.estimate
    lines = [estimate.missing] if estimate.missing else _amounts(estimate, state)
    if estimate.num_damaged:
        lines.append(messages.damaged(estimate.num_damaged))
    return "\n".join(lines)


def _amounts(estimate: Estimate, state: FinetuneState) -> list[str]:
    lines = [
        messages.learnt_from(estimate.num_slices, estimate.num_patients),
        messages.held_out(estimate.num_held_out, estimate.num_held_out_patients),
    ]
    if estimate.num_measured:
        lines.append(messages.reference_images(estimate.num_replayed, estimate.num_measured))
    if estimate.feature_bytes:
        limit_gib = state.options.cache_limit_gib
        lines.append(messages.features(estimate.feature_bytes, limit_gib))
    else:
        lines.append(messages.FEATURES_NONE)
    return lines


def _folder_label() -> QElidingLabel:
    label = QElidingLabel()
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _small_button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button


def _row(label: QElidingLabel, *buttons: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(label, 1)
    for button in buttons:
        row.addWidget(button)
    return row
